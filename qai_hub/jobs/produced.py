"""Jobs that produce a target model."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from qai_hub.downloads import read_bytes, save, save_into
from qai_hub.jobs.base import Job
from qai_hub.models import Model
from qai_hub.transport.s3 import s3_announced
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.jobs.status import JobStatus


class ProducingJob(Job):
    """A job that produces a target model."""

    _target_model: Model | None = None

    def get_target_model(self) -> Model | None:
        """Gives the target model, which other jobs can use before this one has ended.

        Returns:
            The target model; None if the service did not name one and the job failed.

        Examples:
            >>> target_model = compile_job.get_target_model()
            >>> inference_job = hub.submit_inference_job(target_model, device, dataset)
        """
        if self._target_model is None:
            self.wait()
        return self._target_model

    def _download_target(self, filename: str) -> str | None:
        """Downloads the target model to a path; None if the job failed."""
        return save(self._owner, self._target_file(), filename) if self.wait().success else None

    def _load_target(self) -> bytes | None:
        """Loads the target model into memory; None if the job failed."""
        return read_bytes(self._owner, self._target_file()) if self.wait().success else None

    def _download_target_into(self, artifacts_dir: str) -> JobStatus:
        """Downloads the target model, if there is one, and the logs into a folder."""
        status = self.wait()
        self._download_into(artifacts_dir)
        if status.success:
            save_into(self._owner, self._target_file(), artifacts_dir)
        return status

    def _target_file(self) -> api.FileDownloadResponse:
        from qai_hub_api.api.jobs import get_compiled_model_download

        return self._owner._transport.call(
            get_compiled_model_download.sync,
            self.job_id,
            supports_s3_credentials=s3_announced(),
        )

    def _learn_target(self, target: api.Model | Unset) -> None:
        """Takes over the target model, which has more to tell when the job is done."""
        model = known(target)
        if model is None:
            return
        if self._target_model is None:
            self._target_model = Model._from_api(model, self._owner, producer=self)
        else:
            self._target_model._learn(model)


class LoadableJob(ProducingJob):
    """A job whose target model can be downloaded into memory as well."""

    @overload
    def download_target_model(self, filename: None = None) -> bytes | None: ...

    @overload
    def download_target_model(self, filename: str) -> str | None: ...

    def download_target_model(self, filename: str | None = None) -> bytes | str | None:
        """Downloads the target model, after waiting for the job's end.

        Args:
            filename: Path to write; the model's suffix is added where it is missing. None loads
                the file into memory.

        Returns:
            Path of the file, or its bytes; None if the job failed.

        Examples:
            >>> link_job.download_target_model("linked")
            'linked.bin'
        """
        return self._load_target() if filename is None else self._download_target(filename)
