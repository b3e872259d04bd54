"""Files that jobs leave beside their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.downloads import save_into
from qai_hub.jobs.types import JobArtifactType

if TYPE_CHECKING:
    from qai_hub.client import Client
    from qai_hub.jobs.status import JobStatus

_PREFIX = "JOB_ARTIFACT_TYPE_"


class LeavesArtifacts(ABC):
    """Something on the hub that leaves files beside its result when it ends."""

    job_id: str
    _owner: Client
    _available_artifacts: list[JobArtifactType]

    @abstractmethod
    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until it has ended."""

    def get_available_artifacts(self) -> list[JobArtifactType]:
        """Lists the types of the files that the job left, after waiting for its end.

        Returns:
            The types that this client knows.
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
        """
        if artifact_type not in self.get_available_artifacts():
            return []
        return self._download_artifacts(artifact_type, output_dir)

    def download_job_logs(self, output_dir: str) -> list[str]:
        """Downloads all logs of the job, after waiting for its end.

        Args:
            output_dir: Folder to write to; it is made, and files in it are overwritten.

        Returns:
            Paths of the logs.
        """
        logs = (JobArtifactType.DEVICE_LOG, JobArtifactType.HUB_LOG)
        available = self.get_available_artifacts()
        return [
            path
            for kind in logs
            if kind in available
            for path in self._download_artifacts(kind, output_dir)
        ]

    def _download_artifacts(self, artifact_type: JobArtifactType, folder: str) -> list[str]:
        from qai_hub_api.api.jobs import list_job_artifacts
        from qai_hub_api.models import JobArtifactType as ApiArtifactType

        api_type = ApiArtifactType(_PREFIX + artifact_type.name)
        listed = self._owner._transport.call(
            list_job_artifacts.sync, self.job_id, "latest", api_type
        )
        return [save_into(self._owner, artifact, folder) for artifact in listed.artifacts]


def known_types(values: Iterable[object]) -> list[JobArtifactType]:
    """Artifact types that this client knows, from names or members."""
    names = (str(getattr(value, "value", value)).removeprefix(_PREFIX) for value in values)
    return [JobArtifactType[name] for name in names if name in JobArtifactType.__members__]
