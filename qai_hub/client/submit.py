"""Submitting jobs: what each type of job checks, uploads and sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.client.submitter import BlockingSubmitter, JobPlan, Submitter
from qai_hub.client.upload import UploadingClient
from qai_hub.driver import run_blocking
from qai_hub.errors import InvalidValueError, UserError, warn_deprecated
from qai_hub.next_steps import Step
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.inference import InferenceJob
from qai_hub.resources.link import LinkJob
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.resources.resource_list import ResourceList
from qai_hub.submit.checks import check_devices, check_name, check_options, check_specs
from qai_hub.submit.model_checks import (
    check_compilable,
    check_linkable,
    check_quantizable,
    check_runnable,
    get_model_key,
)

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.job_request import JobRequest
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetSamples, InputSpecs

T = TypeVar("T")

# Supported combinations of weight and activation types.
_DTYPE_PAIRS = (
    (QuantizeDtype.INT8, QuantizeDtype.INT8),
    (QuantizeDtype.INT8, QuantizeDtype.INT16),
    (QuantizeDtype.INT4, QuantizeDtype.INT16),
)


class SubmittingClient(UploadingClient):
    """A client that submits jobs of each type.

    A profile job is an inference job with profiling on.
    """

    def submit_compile_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetSamples | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob | list[CompileJob]:
        """Submits a compile job, uploading the model if it is not on the hub yet.

        Args:
            model: A `Model`, or anything that `upload_model` accepts.
            device: One or more devices to compile for.
            name: Display name; None uses the model's name.
            input_specs: For each input a shape, or a shape and a dtype: `{"x": (1, 3, 224, 224)}`
                or `{"x": ((1, 3, 224, 224), "float32")}`. This fixes the model's dynamic
                dimensions.
            options: Options, as on a command line: `"--target_runtime onnx"`.
            single_compile: Whether several devices share one job and hence one target model.
            calibration_data: A `Dataset`, its identifier, or anything that `upload_dataset`
                accepts.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given without `single_compile`.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> job = hub.submit_compile_job(
            ...     "model.onnx",
            ...     hub.Device("Samsung Galaxy S24"),
            ...     input_specs={"x": (1, 3, 48, 192)},
            ...     options="--target_runtime onnx",
            ... )
            >>> job.wait().success
            True
        """
        submitting = submit_compile(
            self._submitter,
            model,
            device,
            name,
            input_specs,
            options,
            single_compile,
            calibration_data,
            retry,
            project,
        )
        return unwrap_single(run_blocking(submitting))

    def submit_profile_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job that profiles the model on random inputs.

        Deprecated: call `submit_inference_job`, which profiles by default.

        Args:
            model: A target model: a `Model`, or anything that `upload_model` accepts.
            device: One or more devices to profile on.
            name: Display name; None uses the model's name.
            options: Options, as on a command line: `"--max_profiler_iterations 20"`.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> # Use this instead.
            >>> job = hub.submit_inference_job(target_model, device)
            >>> [layer.name for layer in job.get_profile().layers]
            ['averaging']
        """
        warn_deprecated(
            "submit_profile_job is deprecated: call submit_inference_job, which profiles as well."
        )
        return self.submit_inference_job(
            model, device, None, name, options, retry, profile=True, project=project
        )

    def submit_inference_job(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        device: Device | list[Device],
        inputs: Dataset | DatasetSamples | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job, uploading model and inputs if they are not on the hub yet.

        Args:
            model: A target model: a `Model`, or anything that `upload_model` accepts.
            device: One or more devices to run on.
            inputs: A `Dataset`, its identifier, or anything that `upload_dataset` accepts. None
                profiles on random inputs and produces no outputs.
            name: Display name; None uses the model's name.
            options: Options, as on a command line: `"--compute_unit cpu"`.
            retry: Whether to wait and retry when the service limits the rate of requests; otherwise
                `RateLimitedError` is raised.
            profile: Whether to profile the model layer by layer as well.
            project: Project of the job; None uses the client's default.

        Returns:
            The job; a list of jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> inputs = {"x": [np.ones((1, 3, 48, 192), np.float32)]}
            >>> job = hub.submit_inference_job(target_model, device, inputs)
            >>> job.download_output_data()["y"][0].ravel()
            array([1., 1., 1.], dtype=float32)
        """
        submitting = submit_inference(
            self._submitter, model, device, inputs, name, options, retry, profile, project
        )
        return unwrap_single(run_blocking(submitting))

    def submit_quantize_job(
        self,
        model: Any,  # noqa: ANN401 (a path, a Model, or an onnx.ModelProto)
        calibration_data: Dataset | DatasetSamples | str,
        weights_dtype: QuantizeDtype = QuantizeDtype.INT8,
        activations_dtype: QuantizeDtype = QuantizeDtype.INT8,
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> QuantizeJob:
        """Submits a quantize job, uploading model and data if they are not on the hub yet.

        Args:
            model: An ONNX model: a `Model`, or anything that `upload_model` accepts.
            calibration_data: A `Dataset`, its identifier, or anything that `upload_dataset`
                accepts.
            weights_dtype: Type to quantize weights to.
            activations_dtype: Type to quantize activations to: INT8 with INT8 weights, or INT16
                with INT8 or INT4 weights.
            name: Display name; None uses the model's name.
            options: Options, as on a command line.
            project: Project of the job; None uses the client's default.

        Returns:
            The job, whose target model is ONNX with quantize and dequantize operators.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> samples = [np.full((1, 3, 48, 192), value, np.float32) for value in (0, 0.5, 1)]
            >>> job = hub.submit_quantize_job(
            ...     "model.onnx", {"x": samples}, activations_dtype=hub.QuantizeDtype.INT16
            ... )
            >>> quantized = job.get_target_model()
        """
        submitting = submit_quantize(
            self._submitter,
            model,
            calibration_data,
            weights_dtype,
            activations_dtype,
            name,
            options,
            project,
        )
        return run_blocking(submitting)

    def submit_link_job(
        self,
        models: Any,  # noqa: ANN401 (paths, or models of one of several packages)
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob | list[LinkJob]:
        """Submits a link job, uploading the models if they are not on the hub yet.

        Args:
            models: QNN DLC models, each given once: a `Model`, or anything that `upload_model`
                accepts.
            device: One or more devices to link for.
            name: Display name; None uses the last model's name.
            options: Options, as on a command line.
            project: Project of the job; None uses the client's default.

        Returns:
            The job, whose target model is a context binary with one graph for each model; a list of
            jobs if more than one device was given.

        Raises:
            FileNotFoundError: If a path does not exist.
            UserError: If an argument is not valid, or the service refuses it.

        Examples:
            >>> compile_jobs = [
            ...     hub.submit_compile_job(model, device, name, options="--target_runtime qnn_dlc")
            ...     for name in ("prefill", "decode")
            ... ]
            >>> models = [job.get_target_model() for job in compile_jobs]
            >>> job = hub.submit_link_job(models, device, name="both")
        """
        submitting = submit_link(self._submitter, models, device, name, options, project)
        return unwrap_single(run_blocking(submitting))

    @property
    def _submitter(self) -> BlockingSubmitter:
        return BlockingSubmitter(self, self._driver)


async def submit_compile(
    submitter: Submitter,
    model: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None = None,
    input_specs: InputSpecs | None = None,
    options: str = "",
    single_compile: bool = True,
    calibration_data: Dataset | DatasetSamples | str | None = None,
    retry: bool = True,
    project: str | Project | None = None,
) -> list[CompileJob]:
    """Submits compile jobs, as `Client.submit_compile_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_name(name)
    specs = check_specs(input_specs)
    check_compilable(model, specs, options)
    if calibration_data is not None:
        calibration_data = await submitter.check_dataset(calibration_data)
    selected = await submitter.select_devices(devices)
    source = await submitter.upload_model(model, project)
    dataset = None
    if calibration_data is not None:
        dataset = await submitter.upload_dataset(calibration_data, project)

    def build_request(devices: list[Device]) -> JobRequest:
        return CompileJob._build_request(
            source, devices, title or source.name, specs, options, dataset
        )

    groups = [selected] if single_compile else [[each] for each in selected]
    plans = [JobPlan(group, build_request) for group in groups]
    return await submitter.create_jobs(CompileJob, plans, project, retry)


async def submit_inference(
    submitter: Submitter,
    model: Any,  # noqa: ANN401
    device: Device | list[Device],
    inputs: Dataset | DatasetSamples | str | None = None,
    name: str | None = None,
    options: str = "",
    retry: bool = True,
    profile: bool = True,
    project: str | Project | None = None,
) -> list[InferenceJob]:
    """Submits inference jobs, as `Client.submit_inference_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_name(name)
    if inputs is None and not profile:
        give = Step("pass inputs or profile=True", "give --inputs or --profiling")
        raise UserError(f"There is nothing to do: {give}.")
    check_runnable(model)
    if inputs is not None:
        inputs = await submitter.check_dataset(inputs)
    selected = await submitter.select_devices(devices, [model])
    dataset = None if inputs is None else await submitter.upload_dataset(inputs, project)
    target = await submitter.upload_model(model, project)

    def build_request(devices: list[Device]) -> JobRequest:
        return InferenceJob._build_request(
            target, devices[0], title or target.name, dataset, options, profile
        )

    plans = [JobPlan([each], build_request) for each in selected]
    return await submitter.create_jobs(InferenceJob, plans, project, retry)


async def submit_quantize(
    submitter: Submitter,
    model: Any,  # noqa: ANN401
    calibration_data: Dataset | DatasetSamples | str,
    weights_dtype: QuantizeDtype,
    activations_dtype: QuantizeDtype,
    name: str | None,
    options: str,
    project: str | Project | None,
) -> QuantizeJob:
    """Submits a quantize job, as `Client.submit_quantize_job` does."""
    given = {"weights_dtype": weights_dtype, "activations_dtype": activations_dtype}
    for argument, dtype in given.items():
        if not isinstance(dtype, QuantizeDtype):
            raise InvalidValueError(
                f"{argument} must be a QuantizeDtype, such as QuantizeDtype.INT8, not {dtype!r}."
            )
    if (weights_dtype, activations_dtype) not in _DTYPE_PAIRS:
        pairs = ", ".join(f"{w.name} with {a.name}" for w, a in _DTYPE_PAIRS)
        raise InvalidValueError(
            f"Weights of {weights_dtype} cannot be combined with activations of"
            f" {activations_dtype}. Supported weights and activations: {pairs}."
        )
    options, title = check_options("options", options), check_name(name)
    check_quantizable(model)
    checked = await submitter.check_dataset(calibration_data)
    source = await submitter.upload_model(model, project)
    dataset = await submitter.upload_dataset(checked, project)

    def build_request(_: list[Device]) -> JobRequest:
        return QuantizeJob._build_request(
            source, dataset, weights_dtype, activations_dtype, title or source.name, options
        )

    (job,) = await submitter.create_jobs(QuantizeJob, [JobPlan([], build_request)], project)
    return job


async def submit_link(
    submitter: Submitter,
    models: Any,  # noqa: ANN401
    device: Device | list[Device],
    name: str | None,
    options: str,
    project: str | Project | None,
) -> list[LinkJob]:
    """Submits link jobs, as `Client.submit_link_job` does."""
    devices = check_devices(device)
    options, title = check_options("options", options), check_name(name)
    sources = models if isinstance(models, list) else [models]
    if not sources:
        raise UserError("models is an empty list: a link job needs at least one model.")
    for model in sources:
        check_linkable(model)
    if len({get_model_key(model) for model in sources}) < len(sources):
        raise UserError("The models of a link job must differ: one of them is given twice.")
    selected = await submitter.select_devices(devices, sources)
    inputs = [await submitter.upload_model(model, project) for model in sources]

    def build_request(devices: list[Device]) -> JobRequest:
        return LinkJob._build_request(inputs, devices[0], title or inputs[-1].name, options)

    plans = [JobPlan([each], build_request) for each in selected]
    return await submitter.create_jobs(LinkJob, plans, project)


def unwrap_single(jobs: list[T]) -> T | list[T]:
    """Returns a bare job for one device: scripts expect it also for a list of one device."""
    return jobs[0] if len(jobs) == 1 else ResourceList(jobs)
