"""What fetches the pages of each list, of one project or of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from qai_hub.client.arguments import project_filter
from qai_hub.client.pages import Page, Place, mapped
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.kinds import job_from_api, summary_from_api
from qai_hub.resources.model import Model
from qai_hub.transport.values import listed, next_cursor

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Response

    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary

T = TypeVar("T")
P = TypeVar("P")

# Fetches the page of at most some items that begins at a place.
Pages: TypeAlias = Callable[[Place, int], Page[T]]


def job_pages(
    owner: JobOwner, project: str | Project | None, filters: dict[str, Any]
) -> Pages[Job]:
    """The pages of a list of jobs."""
    from qai_hub_api.api.jobs import list_jobs
    from qai_hub_api.api.projects import list_project_jobs

    def make(payload: api.Job) -> Job:
        return job_from_api(payload, owner)

    fetch = _fetching(owner, list_jobs, list_project_jobs, project, filters)
    return lambda place, limit: _page(fetch(place, limit), "jobs", "jobs", make)


def summary_pages(
    owner: Owner, project: str | Project | None, filters: dict[str, Any]
) -> Pages[JobSummary]:
    """The pages of a list of short forms of jobs."""
    from qai_hub_api.api.jobs import list_job_summaries
    from qai_hub_api.api.projects import list_project_job_summaries

    def make(payload: api.JobSummary) -> JobSummary:
        return summary_from_api(payload, owner)

    fetch = _fetching(owner, list_job_summaries, list_project_job_summaries, project, filters)
    return lambda place, limit: _page(fetch(place, limit), "job_summaries", "jobs", make)


def model_pages(owner: JobOwner, project: str | Project | None) -> Pages[Model]:
    """The pages of a list of models."""
    from qai_hub_api.api.models import list_models
    from qai_hub_api.api.projects import list_project_models

    def make(payload: api.Model) -> Model:
        return Model._listed(payload, owner)

    fetch = _fetching(owner, list_models, list_project_models, project, {})
    return lambda place, limit: _page(fetch(place, limit), "models", "models", make)


def dataset_pages(owner: Owner) -> Pages[Dataset]:
    """The pages of a list of datasets."""
    from qai_hub_api.api.datasets import list_datasets

    def make(payload: api.Dataset) -> Dataset:
        return Dataset._listed(payload, owner)

    fetch = _fetching(owner, list_datasets, None, None, {})
    return lambda place, limit: _page(fetch(place, limit), "datasets", "datasets", make)


def _fetching(
    owner: Owner,
    everywhere: Any,  # noqa: ANN401 (modules of the generated client, one an operation)
    in_project: Any,  # noqa: ANN401 (as above)
    project: str | Project | None,
    filters: dict[str, Any],
) -> Callable[[Place, int], Response[Any]]:
    """What fetches one page of a list: of a project, or of all if it is None."""
    from qai_hub_api.types import UNSET

    project_id = project_filter(project)
    listing = everywhere if project_id is None else in_project
    path = () if project_id is None else (project_id,)

    def fetch(place: Place, limit: int) -> Response[Any]:
        answer: Response[Any] = owner._connection.call(
            listing.sync_detailed,
            *path,
            offset=place.offset,
            limit=limit,
            cursor=place.cursor or UNSET,
            **filters,
        )
        return answer

    return fetch


def _page(answer: Response[Any], member: str, what: str, make: Callable[[P], T]) -> Page[T]:
    """The page of an answer, whose items stand in one of its members."""
    payload: Any = answer.parsed
    items = listed(getattr(payload, member), f"a list of {what}")
    total = payload.total_query_count
    return Page(mapped(make, items, what), len(items), total, next_cursor(answer.headers))
