"""The client's methods that go through whole lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from qai_hub.datasets import Dataset
from qai_hub.jobs.mapping import job_from_api
from qai_hub.jobs.summaries import JobSummary, summary_from_api
from qai_hub.models import Model
from qai_hub.verbs.base import Verbs, project_filter
from qai_hub.verbs.jobs import job_filters
from qai_hub.verbs.pages import Page, Place, all_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from qai_hub_api.types import Response

    from qai_hub.jobs.base import Job
    from qai_hub.jobs.status import JobStatus
    from qai_hub.jobs.types import JobType
    from qai_hub.projects import Project


class IteratingVerbs(Verbs):
    """Methods that go through whole lists, newest first, fetching each page when it is needed."""

    def iter_jobs(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
    ) -> Iterator[Job]:
        """Iterates over all jobs that you submitted or that are shared with you, newest first.

        Jobs that are submitted meanwhile do not disturb it: each job comes once, as it was when
        its page was fetched.

        Args:
            creator: E-mail address of who submitted them; None for all.
            state: State or states that they are in; None for all.
            type: Type of the jobs; None for all.
            project: Project that they belong to; None for those of all projects.
            page_size: How many jobs one request fetches at most, from 1 to 1000.

        Returns:
            The jobs.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> done = hub.iter_jobs(type=hub.JobType.LINK, state=hub.JobStatus.State.SUCCESS)
            >>> link_job.job_id in {job.job_id for job in done}
            True
        """
        from qai_hub_api.api.jobs import list_jobs
        from qai_hub_api.api.projects import list_project_jobs

        filters = job_filters(creator, state, type)
        fetch = self._lister(list_jobs, list_project_jobs, project, filters)

        def page(place: Place, limit: int) -> Page[Job]:
            answer, cursor = fetch(place, limit)
            jobs = [job_from_api(job, self._client) for job in answer.jobs]
            return Page(jobs, answer.total_query_count, cursor)

        return all_items(page, lambda job: job.job_id, page_size)

    def iter_job_summaries(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
    ) -> Iterator[JobSummary]:
        """Iterates over the short forms of all jobs, which cost less to fetch than `iter_jobs`.

        Args:
            creator: E-mail address of who submitted them; None for all.
            state: State or states that they are in; None for all.
            type: Type of the jobs; None for all.
            project: Project that they belong to; None for those of all projects.
            page_size: How many jobs one request fetches at most, from 1 to 1000.

        Returns:
            The short forms of the jobs, newest first, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> slow = [
            ...     summary.url
            ...     for summary in hub.iter_job_summaries(type=hub.JobType.INFERENCE)
            ...     if (summary.estimated_inference_time or 0) > 1_000_000
            ... ]
            >>> slow
            []
        """
        from qai_hub_api.api.jobs import list_job_summaries
        from qai_hub_api.api.projects import list_project_job_summaries

        filters = job_filters(creator, state, type)
        fetch = self._lister(list_job_summaries, list_project_job_summaries, project, filters)

        def page(place: Place, limit: int) -> Page[JobSummary]:
            answer, cursor = fetch(place, limit)
            summaries = [summary_from_api(each, self._client) for each in answer.job_summaries]
            return Page(summaries, answer.total_query_count, cursor)

        return all_items(page, lambda summary: summary.job_id, page_size)

    def iter_models(
        self, project: str | Project | None = None, page_size: int = 100
    ) -> Iterator[Model]:
        """Iterates over all models that are yours or shared with you, newest first.

        Args:
            project: Project that they belong to; None for those of all projects.
            page_size: How many models one request fetches at most, from 1 to 1000.

        Returns:
            The models, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> any(model.name == "model" for model in hub.iter_models())
            True
        """
        from qai_hub_api.api.models import list_models
        from qai_hub_api.api.projects import list_project_models

        fetch = self._lister(list_models, list_project_models, project, {})

        def page(place: Place, limit: int) -> Page[Model]:
            answer, cursor = fetch(place, limit)
            models = [Model._from_api(model, self._client) for model in answer.models]
            return Page(models, answer.total_query_count, cursor)

        return all_items(page, lambda model: model.model_id, page_size)

    def iter_datasets(self, page_size: int = 100) -> Iterator[Dataset]:
        """Iterates over all datasets that are yours or shared with you, newest first.

        Args:
            page_size: How many datasets one request fetches at most, from 1 to 1000.

        Returns:
            The datasets, each once.

        Raises:
            UserError: If the page size is not valid.

        Examples:
            >>> any(dataset.name == "inputs" for dataset in hub.iter_datasets())
            True
        """
        from qai_hub_api.api.datasets import list_datasets

        fetch = self._lister(list_datasets, None, None, {})

        def page(place: Place, limit: int) -> Page[Dataset]:
            answer, cursor = fetch(place, limit)
            datasets = [Dataset._from_api(each, self._client) for each in answer.datasets]
            return Page(datasets, answer.total_query_count, cursor)

        return all_items(page, lambda dataset: dataset.dataset_id, page_size)

    def _lister(
        self,
        everywhere: Any,  # noqa: ANN401 (modules of the generated client, one an operation)
        in_project: Any,  # noqa: ANN401 (as above)
        project: str | Project | None,
        filters: dict[str, Any],
    ) -> Callable[[Place, int], tuple[Any, str | None]]:
        """What fetches one page of a list: its payload, and where the next page begins."""
        from qai_hub_api.types import UNSET

        from qai_hub.transport.links import next_cursor

        project_id = project_filter(project)
        listing = everywhere if project_id is None else in_project
        path = () if project_id is None else (project_id,)

        def fetch(place: Place, limit: int) -> tuple[Any, str | None]:
            answer: Response[Any] = self._transport.call(
                listing.sync_detailed,
                *path,
                offset=place.offset,
                limit=limit,
                cursor=place.cursor or UNSET,
                **filters,
            )
            return answer.parsed, next_cursor(answer.headers)

        return fetch
