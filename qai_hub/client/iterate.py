"""The client's methods that go through whole lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qai_hub.client.find import JobVerbs, job_filters
from qai_hub.client.pages import Page, Place, all_items, mapped
from qai_hub.client.upload import DatasetVerbs, ModelVerbs
from qai_hub.resources.kinds import job_from_api
from qai_hub.transport.values import listed

if TYPE_CHECKING:
    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.job import Job
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary
    from qai_hub.status import JobStatus, JobType


class IteratingVerbs(JobVerbs, ModelVerbs, DatasetVerbs):
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
            told = listed(answer.jobs, "a list of jobs")
            jobs = mapped(lambda job: job_from_api(job, self._client), told, "jobs")
            return Page(jobs, len(told), answer.total_query_count, cursor)

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
        page = self._summary_pages(project, job_filters(creator, state, type))
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
        return all_items(self._model_pages(project), lambda model: model.model_id, page_size)

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
        return all_items(self._dataset_pages(), lambda dataset: dataset.dataset_id, page_size)
