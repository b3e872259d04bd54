"""Submitting jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.client.submissions import (
    Planned,
    choose_devices,
    compile_jobs,
    create_jobs,
    inference_jobs,
    link_jobs,
    quantize_job,
)
from qai_hub.client.upload import UploadingClient
from qai_hub.driver import run_blocking
from qai_hub.errors import warn_deprecated
from qai_hub.resources.job import Job
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob

if TYPE_CHECKING:
    from qai_hub.client.fetch import Choice
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries, InputSpecs


J = TypeVar("J", bound=Job)
T = TypeVar("T")


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
        calibration_data: Dataset | DatasetEntries | str | None = None,
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
        given = model, device, name, input_specs, options, single_compile, calibration_data
        return one_or_all(run_blocking(compile_jobs(self._driver, self, *given, retry, project)))

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
        inputs: Dataset | DatasetEntries | str | None = None,
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
        given = model, device, inputs, name, options, retry, profile, project
        return one_or_all(run_blocking(inference_jobs(self._driver, self, *given)))

    def submit_quantize_job(
        self,
        model: Any,  # noqa: ANN401 (a path, a Model, or an onnx.ModelProto)
        calibration_data: Dataset | DatasetEntries | str,
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
        given = model, calibration_data, weights_dtype, activations_dtype, name, options, project
        return run_blocking(quantize_job(self._driver, self, *given))

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
        given = models, device, name, options, project
        return one_or_all(run_blocking(link_jobs(self._driver, self, *given)))

    def _choose(self, queries: list[Device], models: Sequence[Any] = ()) -> list[Choice]:
        """Finds the devices for jobs, one for each query, as `choose_devices` does."""
        return run_blocking(choose_devices(self._driver, self, queries, models))

    def _create(
        self,
        kind: type[J],
        planned: Sequence[Planned],
        project: str | Project | None,
        retry: bool = True,
    ) -> list[J]:
        """Creates jobs, as `create_jobs` does."""
        return run_blocking(create_jobs(self._driver, self, kind, planned, project, retry))


def one_or_all(jobs: list[T]) -> T | list[T]:
    """Returns a bare job for one device: scripts expect it also for a list of one device."""
    return jobs[0] if len(jobs) == 1 else jobs


def only(made: T | list[T]) -> T:
    """Returns the job of a submit for one device."""
    return made[0] if isinstance(made, list) else made
