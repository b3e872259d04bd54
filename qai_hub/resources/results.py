"""Results of jobs, the artifacts in them, and where they are written to."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import one_line, printable
from qai_hub.errors import UserError
from qai_hub.resources.downloads import download_all_into_folder
from qai_hub.status import JobArtifactType
from qai_hub.transfer.s3 import s3_support_parameter
from qai_hub.transport.values import require_list
from qai_hub.written_files import make_folder

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.driver import Driver
    from qai_hub.status import JobStatus


_MAX_REASON = 4000
_MAX_PLACE = 1000


@dataclass
class JobResult:
    """Results of a job.

    Attributes:
        status: Final status, with the reason as its message if the job failed.
        url: URL of the job's page.
        artifacts_dir: Folder that the results were written to.

    Examples:
        >>> result = job.download_results("results")
        >>> print(result.status.success, result.artifacts_dir)
        True results
    """

    status: JobStatus
    url: str | None
    artifacts_dir: str

    def __repr__(self) -> str:
        status = printable(str(self.status), _MAX_REASON)
        return (
            f"{type(self).__name__}\n  status: {status}"
            f"\n  url: {one_line(str(self.url), _MAX_PLACE)}"
            f"\n  artifacts: {one_line(str(self.artifacts_dir), _MAX_PLACE)}"
        )

    def _repr_html_(self) -> str:
        url = self.url or ""
        return html.card(
            html.facts(
                {
                    "status": self.status._to_markup(),
                    "job": html.link(url, url),
                    "artifacts": html.code(str(self.artifacts_dir)),
                }
            )
        )


_logger = logging.getLogger("qai_hub")

_PREFIX = "JOB_ARTIFACT_TYPE_"


def parse_artifact_types(values: Iterable[object]) -> list[JobArtifactType]:
    """Returns the artifact types that this client knows, given names or members."""
    names = (str(getattr(value, "value", value)).removeprefix(_PREFIX) for value in values)
    return [JobArtifactType[name] for name in names if name in JobArtifactType.__members__]


async def download_artifacts(
    driver: Driver, job_id: str, artifact_type: JobArtifactType, folder: str
) -> list[str]:
    """Downloads a job's artifacts of one type.

    Args:
        driver: Runs the requests and transfers.
        job_id: Identifier of the job, which has ended.
        artifact_type: Type of the files.
        folder: Folder to write to; created if missing. Existing files in it are overwritten.

    Returns:
        Paths of the files.

    Raises:
        UserError: If the service no longer has the files.
    """
    from qai_hub_api.api.jobs import list_job_artifacts

    async def fetch() -> list[api.NamedArtifactDownloadURL]:
        answer = await driver.call(
            list_job_artifacts.sync,
            job_id,
            "latest",
            artifact_type.value,
            supports_s3_credentials=s3_support_parameter(),
        )
        return require_list(answer.artifacts, "a list of artifacts")

    return await download_all_into_folder(driver, fetch, folder)


async def download_all_artifacts(
    driver: Driver, job_id: str, artifact_types: Iterable[JobArtifactType], folder: str
) -> None:
    """Creates a folder and downloads all artifacts of a job into it.

    Args:
        driver: Runs the requests and transfers.
        job_id: Identifier of the job, which has ended.
        artifact_types: Types of the job's artifacts.
        folder: The folder.
    """
    await driver.run(lambda: make_folder(Path(folder).expanduser()))
    for artifact_type in artifact_types:
        try:
            await download_artifacts(driver, job_id, artifact_type, folder)
        except UserError as error:
            if error.status_code != HTTPStatus.NOT_FOUND:
                raise
            # The result, or the reason for a failure, is worth having even without the logs.
            _logger.warning("%s of job %s: %s", artifact_type.name, job_id, error)
