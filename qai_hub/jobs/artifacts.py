"""Files that jobs leave beside their results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.downloads import save_into
from qai_hub.jobs.types import JobArtifactType

if TYPE_CHECKING:
    from qai_hub.client import Client

_PREFIX = "JOB_ARTIFACT_TYPE_"


def download_artifacts(
    owner: Client, job_id: str, artifact_type: JobArtifactType, folder: str
) -> list[str]:
    """Downloads a job's files of one type into a folder.

    Returns:
        Paths of the files.
    """
    from qai_hub_api.api.jobs import list_job_artifacts
    from qai_hub_api.models import JobArtifactType as ApiArtifactType

    api_type = ApiArtifactType(_PREFIX + artifact_type.name)
    listed = owner._transport.call(list_job_artifacts.sync, job_id, "latest", api_type)
    return [save_into(owner, artifact, folder) for artifact in listed.artifacts]


def known_types(values: Iterable[object]) -> list[JobArtifactType]:
    """Artifact types that this client knows, from names or members."""
    names = (str(getattr(value, "value", value)).removeprefix(_PREFIX) for value in values)
    return [JobArtifactType[name] for name in names if name in JobArtifactType.__members__]
