"""The lists of the API: the operation for each, and how to read items from its responses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qai_hub.client.arguments import project_filter
from qai_hub.client.pages import (
    ListWalk,
    Page,
    Place,
    all_items,
    mapped,
    part_of_list,
    some_items,
    whole_list,
)
from qai_hub.driver import run_blocking
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.kinds import job_from_api, summary_from_api
from qai_hub.resources.model import Model
from qai_hub.transport.values import next_cursor, require_list

if TYPE_CHECKING:
    from qai_hub.driver import AsyncDriver, Driver
    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary

T = TypeVar("T")


@dataclass(frozen=True)
class Listing(Generic[T]):
    """One list of the API, such as that of jobs.

    Attributes:
        operation: The operation that lists the items: a function of the generated client.
        path: Path parameters of the operation, such as the project.
        filters: Query parameters that filter the items.
        member: Name of the response's field that holds the items.
        what: What an item is called in messages.
        make: Converts a payload into an item.
        key: Returns the identifier of an item.
    """

    operation: Any
    path: tuple[str, ...]
    filters: dict[str, Any]
    member: str
    what: str
    make: Callable[[Any], T]
    key: Callable[[T], str]

    async def page(self, driver: Driver, place: Place, limit: int) -> Page[T]:
        """Fetches a page.

        Args:
            driver: Runs the request.
            place: Start of the page.
            limit: Number of items to ask for.

        Returns:
            The page.
        """
        from qai_hub_api.types import UNSET

        answer: Any = await driver.call(
            self.operation,
            *self.path,
            offset=place.offset,
            limit=limit,
            cursor=place.cursor or UNSET,
            **self.filters,
        )
        items = require_list(getattr(answer.parsed, self.member), f"a list of {self.what}")
        total = answer.parsed.total_query_count
        return Page(
            mapped(self.make, items, self.what), len(items), total, next_cursor(answer.headers)
        )

    def some(self, driver: Driver, offset: int, limit: int) -> list[T]:
        """Fetches a range, blocking, as `some_items` does."""
        return some_items(self._fetch(driver), self.key, offset, limit)

    def all(self, driver: Driver, page_size: int) -> Iterator[T]:
        """Iterates over the list, blocking, as `all_items` does."""
        return all_items(self._fetch(driver), self.key, page_size)

    async def some_async(self, driver: Driver, offset: int, limit: int) -> list[T]:
        """Fetches a range in an event loop, as `some_items` does."""
        walk = part_of_list(self.key, offset, limit)
        return [item async for item in self._walked(driver, walk)]

    def all_async(self, driver: AsyncDriver, page_size: int) -> AsyncIterator[T]:
        """Iterates over the list in an event loop, as `all_items` does."""
        return self._walked_with(driver, whole_list(self.key, page_size))

    def _fetch(self, driver: Driver) -> Callable[[Place, int], Page[T]]:
        return lambda place, limit: run_blocking(self.page(driver, place, limit))

    async def _walked(self, driver: Driver, walk: ListWalk[T]) -> AsyncGenerator[T, None]:
        while (wanted := walk.next()) is not None:
            for item in walk.take(await self.page(driver, *wanted)):
                yield item

    async def _walked_with(self, driver: AsyncDriver, walk: ListWalk[T]) -> AsyncIterator[T]:
        async with driver, aclosing(self._walked(driver, walk)) as items:
            async for item in items:
                yield item


def jobs(owner: JobOwner, project: str | Project | None, filters: dict[str, Any]) -> Listing[Job]:
    """Returns the list of jobs."""
    from qai_hub_api.api.jobs import list_jobs
    from qai_hub_api.api.projects import list_project_jobs

    where = _where(list_jobs, list_project_jobs, project)
    return Listing(
        *where,
        filters,
        member="jobs",
        what="jobs",
        make=lambda payload: job_from_api(payload, owner),
        key=lambda job: job.job_id,
    )


def summaries(
    owner: Owner, project: str | Project | None, filters: dict[str, Any]
) -> Listing[JobSummary]:
    """Returns the list of job summaries."""
    from qai_hub_api.api.jobs import list_job_summaries
    from qai_hub_api.api.projects import list_project_job_summaries

    where = _where(list_job_summaries, list_project_job_summaries, project)
    return Listing(
        *where,
        filters,
        member="job_summaries",
        what="jobs",
        make=lambda payload: summary_from_api(payload, owner),
        key=lambda summary: summary.job_id,
    )


def models(owner: JobOwner, project: str | Project | None) -> Listing[Model]:
    """Returns the list of models."""
    from qai_hub_api.api.models import list_models
    from qai_hub_api.api.projects import list_project_models

    where = _where(list_models, list_project_models, project)
    return Listing(
        *where,
        {},
        member="models",
        what="models",
        make=lambda payload: Model._listed(payload, owner),
        key=lambda model: model.model_id,
    )


def datasets(owner: Owner) -> Listing[Dataset]:
    """Returns the list of datasets."""
    from qai_hub_api.api.datasets import list_datasets

    return Listing(
        list_datasets.sync_detailed,
        (),
        {},
        member="datasets",
        what="datasets",
        make=lambda payload: Dataset._listed(payload, owner),
        key=lambda dataset: dataset.dataset_id,
    )


def _where(
    everywhere: Any,  # noqa: ANN401 (modules of the generated client, one per operation)
    in_project: Any,  # noqa: ANN401 (as above)
    project: str | Project | None,
) -> tuple[Any, tuple[str, ...]]:
    """Returns the operation that lists one project, or all for None, and its path parameters."""
    project_id = project_filter(project)
    if project_id is None:
        return everywhere.sync_detailed, ()
    return in_project.sync_detailed, (project_id,)
