"""Uploading and submitting in an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from qai_hub.aio.find import AsyncFindingClient
from qai_hub.client.submit import (
    submit_compile,
    submit_inference,
    submit_link,
    submit_quantize,
    unwrap_single,
)
from qai_hub.client.submitter import AsyncSubmitter
from qai_hub.resources.quantize import QuantizeDtype

if TYPE_CHECKING:
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.resources.quantize import QuantizeJob
    from qai_hub.tensors import DatasetSamples, InputSpecs


class AsyncSubmittingClient(AsyncFindingClient):
    """An asynchronous client that uploads models and datasets, and submits jobs."""

    async def upload_model(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        name: str | None = None,
        project: str | Project | None = None,
        *,
        reuse: bool = False,
    ) -> Model:
        """Uploads a model, as `Client.upload_model` does.

        Args:
            model: Anything that `Client.upload_model` accepts: a path, or a model in memory.
            name: Display name; None uses the file's name.
            project: Project to add it to; None uses the client's default.
            reuse: Whether to return a model of the same content that you have uploaded before.

        Returns:
            The model.

        Raises:
            FileNotFoundError: If the path does not exist.
            UserError: If it is not a model that can be uploaded.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> asyncio.run(client.upload_model("model.onnx", name="classifier")).name
            'classifier'
        """
        async with self._driver() as driver:
            return await self._client._send_model(driver, model, name, project, reuse=reuse)

    async def upload_dataset(
        self,
        data: DatasetSamples | str,
        name: str | None = None,
        project: str | Project | None = None,
    ) -> Dataset:
        """Uploads a dataset, which expires after 30 days, as `Client.upload_dataset` does.

        Args:
            data: For each input, in the model's order, a list of arrays, one per sample; all lists
                have the same length. A generator or another iterable of arrays may stand for a
                list: its samples are taken one at a time. Or a path: of an HDF5 file with such
                data; of a `.npz` file with an array for each input, one sample; or of a folder of
                `.npz` files, a sample in each, in the order of their names.
            name: Display name; None uses the file's name, or the names of the inputs.
            project: Project to add it to; None uses the client's default.

        Returns:
            The dataset.

        Raises:
            FileNotFoundError: If the path does not exist.
            UserError: If the data is not a dataset.

        Examples:
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> samples = [np.zeros((1, 3, 48, 192), np.float32)]
            >>> asyncio.run(client.upload_dataset({"x": samples}, name="black")).name
            'black'
        """
        async with self._driver() as driver:
            return await self._client._send_dataset(driver, data, name, project=project)

    async def submit_compile_job(
        self,
        model: Any,  # noqa: ANN401 (as in Client)
        device: Device | list[Device],
        name: str | None = None,
        input_specs: InputSpecs | None = None,
        options: str = "",
        single_compile: bool = True,
        calibration_data: Dataset | DatasetSamples | str | None = None,
        retry: bool = True,
        project: str | Project | None = None,
    ) -> CompileJob | list[CompileJob]:
        """Submits a compile job, as `Client.submit_compile_job` does.

        If the task is cancelled while the job is being created, the job may still be created.

        Args:
            model: A `Model`, or anything that `upload_model` accepts.
            device: One or more devices to compile for.
            name: Display name; None uses the model's name.
            input_specs: For each input a shape, or a shape and a dtype.
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
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> job = asyncio.run(client.submit_compile_job(model, device))
            >>> asyncio.run(client.wait(job)).success
            True
        """
        async with self._submitter() as submitter:
            jobs = await submit_compile(
                submitter,
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
        return unwrap_single(jobs)

    async def submit_inference_job(
        self,
        model: Any,  # noqa: ANN401 (as in Client)
        device: Device | list[Device],
        inputs: Dataset | DatasetSamples | str | None = None,
        name: str | None = None,
        options: str = "",
        retry: bool = True,
        profile: bool = True,
        project: str | Project | None = None,
    ) -> InferenceJob | list[InferenceJob]:
        """Submits an inference job, as `Client.submit_inference_job` does.

        If the task is cancelled while the job is being created, the job may still be created.

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
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> job = asyncio.run(client.submit_inference_job(target_model, device, dataset))
            >>> asyncio.run(client.download_output_data(job))["y"][0].ravel()
            array([0., 0., 0.], dtype=float32)
        """
        async with self._submitter() as submitter:
            jobs = await submit_inference(
                submitter, model, device, inputs, name, options, retry, profile, project
            )
        return unwrap_single(jobs)

    async def submit_quantize_job(
        self,
        model: Any,  # noqa: ANN401 (a path, a Model, or an onnx.ModelProto)
        calibration_data: Dataset | DatasetSamples | str,
        weights_dtype: QuantizeDtype = QuantizeDtype.INT8,
        activations_dtype: QuantizeDtype = QuantizeDtype.INT8,
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> QuantizeJob:
        """Submits a quantize job, as `Client.submit_quantize_job` does.

        If the task is cancelled while the job is being created, the job may still be created.

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
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> data = quantize_job.calibration_dataset
            >>> job = asyncio.run(client.submit_quantize_job(model, data))
            >>> job.weights_dtype
            <QuantizeDtype.INT8: 1>
        """
        async with self._submitter() as submitter:
            return await submit_quantize(
                submitter,
                model,
                calibration_data,
                weights_dtype,
                activations_dtype,
                name,
                options,
                project,
            )

    async def submit_link_job(
        self,
        models: Any,  # noqa: ANN401 (as in Client)
        device: Device | list[Device],
        name: str | None = None,
        options: str = "",
        project: str | Project | None = None,
    ) -> LinkJob | list[LinkJob]:
        """Submits a link job, as `Client.submit_link_job` does.

        If the task is cancelled while the job is being created, the job may still be created.

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
            >>> import asyncio
            >>> client = hub.aio.AsyncClient()
            >>> job = asyncio.run(client.submit_link_job(link_job.models, device, name="again"))
            >>> job.name
            'again'
        """
        async with self._submitter() as submitter:
            jobs = await submit_link(submitter, models, device, name, options, project)
        return unwrap_single(jobs)

    @asynccontextmanager
    async def _submitter(self) -> AsyncIterator[AsyncSubmitter]:
        async with self._driver() as driver:
            yield AsyncSubmitter(self._client, driver)
