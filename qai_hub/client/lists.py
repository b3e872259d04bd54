"""Lists of jobs, models and datasets: a range of items, or an iterator over all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qai_hub.client.arguments import build_job_filters
from qai_hub.client.find import FindingClient
from qai_hub.client.list_operations import dataset_list, job_list, model_list, summary_list

if TYPE_CHECKING:
    from datetime import date, datetime

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.job import Job
    from qai_hub.resources.model import Model
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary
    from qai_hub.status import JobStatus, JobType


class ListingClient(FindingClient):
    """A client that lists jobs, models and datasets, newest first."""

    def get_job_summaries(
        self,
        offset: int = 0,
        limit: int = 50,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (the name that users know)
        project: str | Project | None = None,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> list[JobSummary]:
        """Lists jobs that you submitted or that are shared with you, newest first.

        Args:
            offset: Number of jobs to skip.
            limit: Maximum number of jobs to list.
            creator: E-mail address of the submitter; None lists the jobs of all submitters.
            state: State or states to list; None lists all.
            type: Job type to list; None lists all.
            project: Project to list; None lists all projects.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The job summaries.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> failed = hub.get_job_summaries(limit=10, state=hub.JobStatus.State.FAILED)
            >>> {summary.status.code for summary in failed}
            {'FAILED'}
        """
        operation = summary_list(
            self,
            project,
            build_job_filters(
                self.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        return operation.fetch_range(self._driver, offset, limit)

    def get_models(
        self, offset: int = 0, limit: int = 50, project: str | Project | None = None
    ) -> list[Model]:
        """Lists models that are yours or shared with you, newest first.

        Args:
            offset: Number of models to skip.
            limit: Maximum number of models to list.
            project: Project to list; None lists all projects.

        Returns:
            The models.

        Examples:
            >>> len(hub.get_models(limit=1))
            1
        """
        return model_list(self, project).fetch_range(self._driver, offset, limit)

    def get_datasets(self, offset: int = 0, limit: int = 50) -> list[Dataset]:
        """Lists datasets that are yours or shared with you, newest first.

        Args:
            offset: Number of datasets to skip.
            limit: Maximum number of datasets to list.

        Returns:
            The datasets.

        Examples:
            >>> [dataset.name for dataset in hub.get_datasets(limit=10) if dataset.is_expired()]
            []
        """
        return dataset_list(self).fetch_range(self._driver, offset, limit)

    def iter_jobs(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> Iterator[Job]:
        """Iterates over all jobs that you submitted or that are shared with you, newest first.

        Jobs submitted during the iteration do not disturb it: each job is returned once, as it was
        when its page was fetched.

        Args:
            creator: E-mail address of the submitter; None includes all.
            state: State or states to include; None includes all.
            type: Job type to include; None includes all.
            project: Project to include; None includes all projects.
            page_size: Maximum number of jobs per request, from 1 to 1000.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The jobs.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> done = hub.iter_jobs(type=hub.JobType.LINK, state=hub.JobStatus.State.SUCCESS)
            >>> link_job.job_id in {job.job_id for job in done}
            True
        """
        operation = job_list(
            self,
            project,
            build_job_filters(
                self.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        return operation.iterate(self._driver, page_size)

    def iter_job_summaries(
        self,
        creator: str | None = None,
        state: JobStatus.State | list[JobStatus.State] | None = None,
        type: JobType | None = None,  # noqa: A002 (as get_job_summaries has it)
        project: str | Project | None = None,
        page_size: int = 100,
        *,
        name: str | None = None,
        device: str | None = None,
        model: str | Model | None = None,
        after: datetime | date | None = None,
        before: datetime | date | None = None,
    ) -> Iterator[JobSummary]:
        """Iterates over the summaries of all jobs, which are cheaper to fetch than the jobs.

        Args:
            creator: E-mail address of the submitter; None includes all.
            state: State or states to include; None includes all.
            type: Job type to include; None includes all.
            project: Project to include; None includes all projects.
            page_size: Maximum number of jobs per request, from 1 to 1000.
            name: Text that the name or the identifier contains, in upper or lower case. This filter
                and the following need a local hub.
            device: Text that the name of the device contains, in upper or lower case.
            model: A model that the jobs use or make, or its identifier.
            after: Time since when they were submitted, local if it has no time zone; a date is its
                beginning.
            before: Time before which they were submitted, read like `after`.

        Returns:
            The job summaries, newest first, each once.

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
        operation = summary_list(
            self,
            project,
            build_job_filters(
                self.config,
                creator,
                state,
                type,
                name=name,
                device=device,
                model=model,
                after=after,
                before=before,
            ),
        )
        return operation.iterate(self._driver, page_size)

    def iter_models(
        self, project: str | Project | None = None, page_size: int = 100
    ) -> Iterator[Model]:
        """Iterates over all models that are yours or shared with you, newest first.

        Args:
            project: Project to include; None includes all projects.
            page_size: Maximum number of models per request, from 1 to 1000.

        Returns:
            The models, each once.

        Raises:
            UserError: If an argument is not valid.

        Examples:
            >>> any(model.name == "model" for model in hub.iter_models())
            True
        """
        return model_list(self, project).iterate(self._driver, page_size)

    def iter_datasets(self, page_size: int = 100) -> Iterator[Dataset]:
        """Iterates over all datasets that are yours or shared with you, newest first.

        Args:
            page_size: Maximum number of datasets per request, from 1 to 1000.

        Returns:
            The datasets, each once.

        Raises:
            UserError: If the page size is not valid.

        Examples:
            >>> any(dataset.name == "inputs" for dataset in hub.iter_datasets())
            True
        """
        return dataset_list(self).iterate(self._driver, page_size)
