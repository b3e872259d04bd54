"""The files of a job: its log while it runs and afterwards, and what it has made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from qai_hub.local.api.context import ask_storage
from qai_hub.local.core.kinds import FINISHED_STATES, HUB_LOG
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page, redirect
from qai_hub.local.store.files import get_file
from qai_hub.local.store.records import File
from qai_hub.local.store.relations import get_artifacts, get_uses
from qai_hub.local.store.rows import JOBS, MODELS

# Of a long log, the page shows the end.
_SHOWN_LOG: Final = 48 << 10


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file that a job has made.

    Attributes:
        name: Its name.
        path: Where it is downloaded.
        size: Its size in bytes.
        sha256: Its SHA-256 in hex; None if it has not been computed yet.
    """

    name: str
    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Log:
    """The hub's log of a job.

    Attributes:
        text: Its end.
        is_cut: Whether there is more before that.
    """

    text: str
    is_cut: bool


def list_files(page: Page, job: JobFacts) -> list[JobFile]:
    """Return the files that a job has made; the viewer may see the job."""
    return [*_target_file(page, job), *_artifact_files(page, job)]


def read_log(page: Page, job: JobFacts) -> Log:
    """Return the hub's log of a job that the viewer may see."""
    record = JOBS.get(page.db, job.id)
    if record is None or record.state not in FINISHED_STATES:
        text = "" if record is None else page.site.services.lifecycle.read_log(record)
        return Log(text[-_SHOWN_LOG:], len(text) > _SHOWN_LOG)
    file = find_artifact(page, job.id, HUB_LOG)
    if file is None:
        return Log("", is_cut=False)
    start = max(0, file.size - _SHOWN_LOG)
    storage = page.site.services.storage

    def read() -> bytes:
        return b"".join(storage.open_range(file.id, start, file.size))

    content = ask_storage(page.site.services, page.done, f"log {file.id}", read)
    return Log(content.decode("utf-8", "replace"), start > 0)


def find_artifact(page: Page, job_id: str, artifact_type: str) -> File | None:
    """Return a file that a job, which the viewer may see, has made beside its result.

    Args:
        page: The page.
        job_id: The job.
        artifact_type: The type of the file.

    Returns:
        The file; None if there is none.
    """
    artifacts = get_artifacts(page.db, [job_id])[job_id]
    file_id = next((each.file_id for each in artifacts if each.type == artifact_type), None)
    return None if file_id is None else get_file(page.db, file_id)


def download_artifact(page: Page) -> Response:
    """Lead to a file that a job has made beside its result."""
    key, name = page.request.path_params["job_id"], page.request.path_params["artifact"]
    types = page.site.services.contract.enum_values("JobArtifactType")
    for kind, number in types.items():
        if _slug(kind) == name:
            found = page.get("listJobArtifacts", job_id=key, attempt="latest", artifact_type=number)
            return redirect(found["artifacts"][0]["url"])
    raise ProblemError(404, f"There are no files of the type {name}.")


def download_target(page: Page) -> Response:
    """Lead to the target model of a job."""
    key = page.request.path_params["job_id"]
    return redirect(page.get("getCompiledModelDownload", job_id=key)["url"]["url"])


def _target_file(page: Page, job: JobFacts) -> Iterator[JobFile]:
    for key in get_uses(page.db, [job.id])[job.id].target:
        model = MODELS.get(page.db, key)
        file = None if model is None or model.file_id is None else get_file(page.db, model.file_id)
        if file is not None:
            yield JobFile("Target model", f"/jobs/{job.id}/target/", file.size, file.sha256)


def _artifact_files(page: Page, job: JobFacts) -> Iterator[JobFile]:
    for artifact in get_artifacts(page.db, [job.id])[job.id]:
        file = get_file(page.db, artifact.file_id)
        if file is not None:
            path = f"/jobs/{job.id}/files/{_slug(artifact.type)}/"
            yield JobFile(artifact.name, path, file.size, file.sha256)


def _slug(artifact_type: str) -> str:
    """Return the name of a type of artifact in paths, such as `hub-log`."""
    return artifact_type.removeprefix("JOB_ARTIFACT_TYPE_").lower().replace("_", "-")
