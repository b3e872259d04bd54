"""Overloads for type checkers: what methods return depends on the types of their arguments.

A submit method returns a job for one device, and a list of jobs for a list of more than one. The
methods themselves are in the base classes. `make generate` writes this file
from the signatures of the blocking client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.aio.locking import AsyncLockingClient

if TYPE_CHECKING:
    from typing import Any, Literal, overload

    from qai_hub.client.combined import EmbeddedJobs, LinkedJobs, ProfiledJobs
    from qai_hub.resources import kinds
    from qai_hub.resources.compile import CompileJob
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.inference import InferenceJob
    from qai_hub.resources.job import Job
    from qai_hub.resources.link import LinkJob
    from qai_hub.resources.project import Project
    from qai_hub.status import JobType
    from qai_hub.tensors import DatasetSamples, InputSpecs


class AsyncTypedClient(AsyncLockingClient):
    """An asynchronous client whose methods have precise return types."""

    if TYPE_CHECKING:

        @overload
        async def get_job(
            self, job_id: str, job_type: Literal[JobType.COMPILE]
        ) -> kinds.CompileJob: ...

        @overload
        async def get_job(
            self, job_id: str, job_type: Literal[JobType.INFERENCE, JobType.PROFILE]
        ) -> kinds.InferenceJob: ...

        @overload
        async def get_job(
            self, job_id: str, job_type: Literal[JobType.QUANTIZE]
        ) -> kinds.QuantizeJob: ...

        @overload
        async def get_job(self, job_id: str, job_type: Literal[JobType.LINK]) -> kinds.LinkJob: ...

        @overload
        async def get_job(self, job_id: str, job_type: JobType | None = None) -> Job: ...

        async def get_job(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        async def submit_compile_job(
            self,
            model: Any,
            device: Device | list[Device],
            name: str | None = None,
            input_specs: InputSpecs | None = None,
            options: str = "",
            single_compile: Literal[True] = True,
            calibration_data: Dataset | DatasetSamples | str | None = None,
            retry: bool = True,
            project: str | Project | None = None,
        ) -> CompileJob: ...

        @overload
        async def submit_compile_job(
            self,
            model: Any,
            device: Device,
            name: str | None = None,
            input_specs: InputSpecs | None = None,
            options: str = "",
            single_compile: bool = True,
            calibration_data: Dataset | DatasetSamples | str | None = None,
            retry: bool = True,
            project: str | Project | None = None,
        ) -> CompileJob: ...

        @overload
        async def submit_compile_job(
            self,
            model: Any,
            device: Device | list[Device],
            name: str | None = None,
            input_specs: InputSpecs | None = None,
            options: str = "",
            single_compile: bool = True,
            calibration_data: Dataset | DatasetSamples | str | None = None,
            retry: bool = True,
            project: str | Project | None = None,
        ) -> CompileJob | list[CompileJob]: ...

        async def submit_compile_job(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        async def submit_inference_job(
            self,
            model: Any,
            device: Device,
            inputs: Dataset | DatasetSamples | str | None = None,
            name: str | None = None,
            options: str = "",
            retry: bool = True,
            profile: bool = True,
            project: str | Project | None = None,
        ) -> InferenceJob: ...

        @overload
        async def submit_inference_job(
            self,
            model: Any,
            device: Device | list[Device],
            inputs: Dataset | DatasetSamples | str | None = None,
            name: str | None = None,
            options: str = "",
            retry: bool = True,
            profile: bool = True,
            project: str | Project | None = None,
        ) -> InferenceJob | list[InferenceJob]: ...

        async def submit_inference_job(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        async def submit_link_job(
            self,
            models: Any,
            device: Device,
            name: str | None = None,
            options: str = "",
            project: str | Project | None = None,
        ) -> LinkJob: ...

        @overload
        async def submit_link_job(
            self,
            models: Any,
            device: Device | list[Device],
            name: str | None = None,
            options: str = "",
            project: str | Project | None = None,
        ) -> LinkJob | list[LinkJob]: ...

        async def submit_link_job(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        async def submit_compile_and_link_jobs(
            self,
            models: Any,
            device: Device,
            name: str | None = None,
            input_specs: InputSpecs | list[InputSpecs | None] | None = None,
            graph_names: list[str] | None = None,
            compile_options: str | list[str] = "",
            link_options: str = "",
            retry: bool = True,
            embed_in_onnx: Literal[False] = False,
            project: str | Project | None = None,
        ) -> LinkedJobs: ...

        @overload
        async def submit_compile_and_link_jobs(
            self,
            models: Any,
            device: Device,
            name: str | None = None,
            input_specs: InputSpecs | list[InputSpecs | None] | None = None,
            graph_names: list[str] | None = None,
            compile_options: str | list[str] = "",
            link_options: str = "",
            retry: bool = True,
            *,
            embed_in_onnx: Literal[True],
            project: str | Project | None = None,
        ) -> EmbeddedJobs: ...

        @overload
        async def submit_compile_and_link_jobs(
            self,
            models: Any,
            device: Device | list[Device],
            name: str | None = None,
            input_specs: InputSpecs | list[InputSpecs | None] | None = None,
            graph_names: list[str] | None = None,
            compile_options: str | list[str] = "",
            link_options: str = "",
            retry: bool = True,
            embed_in_onnx: bool = False,
            project: str | Project | None = None,
        ) -> LinkedJobs | EmbeddedJobs | list[LinkedJobs] | list[EmbeddedJobs]: ...

        async def submit_compile_and_link_jobs(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        async def submit_compile_and_profile_jobs(
            self,
            model: Any,
            device: Device,
            name: str | None = None,
            input_specs: InputSpecs | None = None,
            compile_options: str = "",
            profile_options: str = "",
            single_compile: bool = True,
            calibration_data: Dataset | DatasetSamples | str | None = None,
            retry: bool = True,
            project: str | Project | None = None,
        ) -> ProfiledJobs: ...

        @overload
        async def submit_compile_and_profile_jobs(
            self,
            model: Any,
            device: Device | list[Device],
            name: str | None = None,
            input_specs: InputSpecs | None = None,
            compile_options: str = "",
            profile_options: str = "",
            single_compile: bool = True,
            calibration_data: Dataset | DatasetSamples | str | None = None,
            retry: bool = True,
            project: str | Project | None = None,
        ) -> ProfiledJobs | list[ProfiledJobs]: ...

        async def submit_compile_and_profile_jobs(self, *args: Any, **kwargs: Any) -> Any: ...
