"""What leaves something behind when it ends."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from qai_hub.errors import UserError
from qai_hub.resources.downloads import save_all_into
from qai_hub.status import JobArtifactType
from qai_hub.transfer.s3 import s3_announced
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub.client import Client
    from qai_hub.status import JobStatus


class Ending(ABC):
    """Something on the hub that ends."""

    job_id: str
    _owner: Client

    @abstractmethod
    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until it has ended."""


_logger = logging.getLogger("qai_hub")

_PREFIX = "JOB_ARTIFACT_TYPE_"


class LeavesArtifacts(Ending):
    """Something on the hub that leaves files beside its result when it ends."""

    _available_artifacts: list[JobArtifactType]

    def get_available_artifacts(self) -> list[JobArtifactType]:
        """Lists the types of the files that the job left, after waiting for its end.

        Returns:
            The types that this client knows.

        Examples:
            >>> [artifact.name for artifact in job.get_available_artifacts()]
            ['DEVICE_LOG', 'HUB_LOG', 'PROFILE_TRACE']
        """
        self.wait()
        return list(self._available_artifacts)

    def download_artifacts_for_type(
        self, output_dir: str, artifact_type: JobArtifactType
    ) -> list[str]:
        """Downloads the job's files of one type, after waiting for its end.

        Args:
            output_dir: Folder to write to; it is made, and files in it are overwritten.
            artifact_type: Type of the files.

        Returns:
            Paths of the files; empty if there are none.

        Raises:
            UserError: If the service no longer has them, or if there is no such type.

        Examples:
            >>> logs = job.download_artifacts_for_type("logs", hub.JobArtifactType.HUB_LOG)
            >>> len(logs)
            1
        """
        if not isinstance(artifact_type, JobArtifactType):
            raise UserError(
                f"artifact_type takes a member of JobArtifactType, not {artifact_type!r}."
            )
        if artifact_type not in self.get_available_artifacts():
            return []
        return self._download_artifacts(artifact_type, output_dir)

    def download_job_logs(self, output_dir: str) -> list[str]:
        """Downloads all logs of the job, after waiting for its end.

        Args:
            output_dir: Folder to write to; it is made, and files in it are overwritten.

        Returns:
            Paths of the logs.

        Raises:
            UserError: If the service no longer has them.

        Examples:
            >>> for path in job.download_job_logs("logs"):
            ...     print(path)
            logs/j..._hub.log
        """
        logs = (JobArtifactType.DEVICE_LOG, JobArtifactType.HUB_LOG)
        available = self.get_available_artifacts()
        return [
            path
            for kind in logs
            if kind in available
            for path in self._download_artifacts(kind, output_dir)
        ]

    def _download_into(self, folder: str) -> None:
        """Makes a folder, and downloads all that an ended job left beside its result into it."""
        Path(folder).expanduser().mkdir(parents=True, exist_ok=True)
        for artifact_type in self._available_artifacts:
            try:
                self._download_artifacts(artifact_type, folder)
            except UserError as error:
                if error.status_code != HTTPStatus.NOT_FOUND:
                    raise
                # The result counts, and the reason of a failure, even where the logs are gone.
                _logger.warning("%s of job %s: %s", artifact_type.name, self.job_id, error)

    def _download_artifacts(self, artifact_type: JobArtifactType, folder: str) -> list[str]:
        from qai_hub_api.api.jobs import list_job_artifacts

        answer = self._owner._connection.call(
            list_job_artifacts.sync,
            self.job_id,
            "latest",
            artifact_type.value,
            supports_s3_credentials=s3_announced(),
        )
        artifacts = listed(answer.artifacts, "a list of artifacts")
        return save_all_into(self._owner, artifacts, folder)


def known_types(values: Iterable[object]) -> list[JobArtifactType]:
    """Artifact types that this client knows, from names or members."""
    names = (str(getattr(value, "value", value)).removeprefix(_PREFIX) for value in values)
    return [JobArtifactType[name] for name in names if name in JobArtifactType.__members__]
