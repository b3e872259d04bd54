"""The page with several jobs beside each other."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from qai_hub.local.core.access import filter_visible
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.compared_job import ComparedJob, Json, MissingJob
from qai_hub.local.pages.compared_layers import ComparedLayers
from qai_hub.local.pages.comparison import Comparison
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page
from qai_hub.local.store.files import get_file
from qai_hub.local.store.relations import get_uses
from qai_hub.local.store.rows import JOB_SUMMARIES, MODELS

MAX_COMPARED: Final = 4
"""Jobs that are beside each other at most."""
# As many as a page of the list of jobs has.
_MAX_LISTED: Final = 50


def show_comparison(page: Page) -> Response:
    """Show several jobs beside each other."""
    asked = [key.strip() for key in page.request.query_params.getlist("job")]
    keys = list(dict.fromkeys(key for key in asked if key))
    if len(keys) > MAX_COMPARED:
        return _ask_which(page, keys)
    found = [_read_job(page, key) for key in keys]
    jobs = [each for each in found if isinstance(each, ComparedJob)]
    comparison = Comparison.of(jobs)
    return page.render(
        "compare.html",
        comparison=comparison,
        layers=ComparedLayers.of(comparison, page.params),
        missing=[each for each in found if isinstance(each, MissingJob)],
        max_compared=MAX_COMPARED,
        keys=keys,
        without={key: _address(each for each in keys if each != key) for key in keys},
    )


def _ask_which(page: Page, keys: Sequence[str]) -> Response:
    """Ask which of jobs to show that are too many to be beside each other."""
    listed = keys[:_MAX_LISTED]
    found = JOB_SUMMARIES.get_many(page.db, listed)
    visible = filter_visible(page.db, page.viewer, found.values())
    uses = get_uses(page.db, visible)
    jobs = [
        JobFacts.of_record(visible[key], "", has_inputs=bool(uses[key].dataset))
        for key in listed
        if key in visible
    ]
    return page.render(
        "compare_which.html",
        jobs=jobs,
        number=len(keys),
        max_compared=MAX_COMPARED,
        max_listed=_MAX_LISTED,
    )


def _address(keys: Iterable[str]) -> str:
    return f"/compare/?{urlencode([('job', key) for key in keys])}"


def _read_job(page: Page, key: str) -> ComparedJob | MissingJob:
    try:
        body = page.get("getJob", job_id=key)
    except ProblemError as problem:
        if problem.status != 404:
            raise
        return MissingJob(key, problem.detail)
    job = JobFacts.of_job(body)
    return ComparedJob.of(job, _read_result(page, job), _target_size(page, job))


def _read_result(page: Page, job: JobFacts) -> Json:
    """Return the result of a job; empty if it has none."""
    try:
        result: Json = page.get("getJobResult", job_id=job.id)
    except ProblemError as problem:
        if problem.status != 409:
            raise
        return {}
    return result


def _target_size(page: Page, job: JobFacts) -> int | None:
    """Return the size of the model that a job makes or runs; None if it is not there."""
    model = job.fields.get("target_model") or job.fields.get("model") or {}
    # A model that the viewer may not see is told by its id alone.
    if not model.get("file_upload_complete"):
        return None
    record = MODELS.get(page.db, model["model_id"])
    file = get_file(page.db, record.file_id) if record and record.file_id else None
    return None if file is None else file.size
