"""Files that jobs leave beside their results: logs, traces and the like."""

from __future__ import annotations

import logging
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
    from qai_hub.driver import Driver

_logger = logging.getLogger("qai_hub")

_PREFIX = "JOB_ARTIFACT_TYPE_"


def known_types(values: Iterable[object]) -> list[JobArtifactType]:
    """Artifact types that this client knows, from names or members."""
    names = (str(getattr(value, "value", value)).removeprefix(_PREFIX) for value in values)
    return [JobArtifactType[name] for name in names if name in JobArtifactType.__members__]


async def download_artifacts(
    driver: Driver, job_id: str, artifact_type: JobArtifactType, folder: str
) -> list[str]:
    """Downloads the files of one type that a job left.

    Args:
        driver: What carries out requests and transfers.
        job_id: Identifier of the job, which has ended.
        artifact_type: Type of the files.
        folder: Folder to write to; it is made, and files in it are overwritten.

    Returns:
        Paths of the files.

    Raises:
        UserError: If the service no longer has them.
    """
    from qai_hub_api.api.jobs import list_job_artifacts

    answer = await driver.call(
        list_job_artifacts.sync,
        job_id,
        "latest",
        artifact_type.value,
        supports_s3_credentials=s3_announced(),
    )
    artifacts = listed(answer.artifacts, "a list of artifacts")
    return await save_all_into(driver, artifacts, folder)


async def download_all_artifacts(
    driver: Driver, job_id: str, artifact_types: Iterable[JobArtifactType], folder: str
) -> None:
    """Makes a folder, and downloads all that a job left beside its result into it.

    Args:
        driver: What carries out requests and transfers.
        job_id: Identifier of the job, which has ended.
        artifact_types: Types of the files that it left.
        folder: The folder.
    """
    await driver.run(lambda: Path(folder).expanduser().mkdir(parents=True, exist_ok=True))
    for artifact_type in artifact_types:
        try:
            await download_artifacts(driver, job_id, artifact_type, folder)
        except UserError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            # The result counts, and the reason of a failure, even where the logs are gone.
            _logger.warning("%s of job %s: %s", artifact_type.name, job_id, error)
