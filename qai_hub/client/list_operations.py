"""The lists of the API: the operation for each, and how to read items from its responses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from qai_hub.client.arguments import check_integer, parse_project
from qai_hub.client.pages import (
    Page,
    PageStart,
    Paginator,
    convert_items,
    fetch_range,
    iterate_items,
    paginate_list,
    paginate_range,
)
from qai_hub.driver import run_blocking
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.kinds import job_from_api, summary_from_api
from qai_hub.resources.model import Model
from qai_hub.resources.resource_list import ResourceList
from qai_hub.transport.values import next_cursor, require_list

if TYPE_CHECKING:
    from qai_hub.driver import AsyncDriver, Driver
    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner
    from qai_hub.resources.project import Project
    from qai_hub.resources.summary import JobSummary

T = TypeVar("T")

# The filters that no index of a server is for.
_SEARCHES = ("name", "device", "model_id")


@dataclass(frozen=True)
class ListOperation(Generic[T]):
    """One list of the API, such as that of jobs.

    Attributes:
        operation: The operation that lists the items: a function of the generated client.
        path: Path parameters of the operation, such as the project.
        filters: Query parameters that filter the items.
        items_field: Name of the response's field that holds the items.
        item_name: What an item is called in messages.
        convert: Converts a payload into an item.
        key: Returns the identifier of an item.
    """

    operation: Any
    path: tuple[str, ...]
    filters: dict[str, Any]
    items_field: str
    item_name: str
    convert: Callable[[Any], T]
    key: Callable[[T], str]

    async def fetch_page(self, driver: Driver, start: PageStart, limit: int) -> Page[T]:
        """Fetches a page.

        Args:
            driver: Runs the request.
            start: Start of the page.
            limit: Number of items to ask for.

        Returns:
            The page.
        """
        from qai_hub_api.types import UNSET

        answer: Any = await driver.call(
            self.operation,
            *self.path,
            offset=start.offset,
            limit=limit,
            cursor=start.cursor or UNSET,
            **self.filters,
        )
        items = require_list(
            getattr(answer.parsed, self.items_field), f"a list of {self.item_name}"
        )
        total = answer.parsed.total_query_count
        return Page(
            convert_items(self.convert, items, self.item_name),
            len(items),
            total,
            next_cursor(answer.headers),
        )

    def fetch_range(self, driver: Driver, offset: int, limit: int) -> list[T]:
        """Fetches a range, blocking, as `fetch_range` does."""
        start, count, skipped = self._plan_range(offset, limit)
        return fetch_range(self._page_fetcher(driver), self.key, start, count)[skipped:]

    def iterate(self, driver: Driver, page_size: int) -> Iterator[T]:
        """Iterates over the list, blocking, as `iterate_items` does."""
        return iterate_items(self._page_fetcher(driver), self.key, page_size)

    async def fetch_range_async(self, driver: Driver, offset: int, limit: int) -> list[T]:
        """Fetches a range in an event loop, as `fetch_range` does."""
        start, count, skipped = self._plan_range(offset, limit)
        paginator = paginate_range(self.key, start, count)
        found = [item async for item in self._iterate_pages(driver, paginator)]
        return ResourceList(found[skipped:])

    def iterate_async(self, driver: AsyncDriver, page_size: int) -> AsyncIterator[T]:
        """Iterates over the list in an event loop, as `iterate_items` does."""
        return self._iterate_with(driver, paginate_list(self.key, page_size))

    def _plan_range(self, offset: int, limit: int) -> tuple[int, int, int]:
        """Returns how many items a server skips, how many to fetch, and how many to drop of these.

        A server skips none in a search, whose pages end after any number of items.
        """
        from qai_hub_api.types import UNSET

        if all(self.filters.get(name, UNSET) is UNSET for name in _SEARCHES):
            return offset, limit, 0
        skipped, count = check_integer("offset", offset, 0), check_integer("limit", limit, 0)
        return 0, skipped + count if count else 0, skipped

    def _page_fetcher(self, driver: Driver) -> Callable[[PageStart, int], Page[T]]:
        return lambda start, limit: run_blocking(self.fetch_page(driver, start, limit))

    async def _iterate_pages(
        self, driver: Driver, paginator: Paginator[T]
    ) -> AsyncGenerator[T, None]:
        while (request := paginator.next_page()) is not None:
            for item in paginator.add_page(await self.fetch_page(driver, *request)):
                yield item

    async def _iterate_with(self, driver: AsyncDriver, paginator: Paginator[T]) -> AsyncIterator[T]:
        async with driver, aclosing(self._iterate_pages(driver, paginator)) as items:
            async for item in items:
                yield item


def job_list(
    owner: JobOwner, project: str | Project | None, filters: dict[str, Any]
) -> ListOperation[Job]:
    """Returns the list of jobs."""
    from qai_hub_api.api.jobs import list_jobs
    from qai_hub_api.api.projects import list_project_jobs

    operation = _select_operation(list_jobs, list_project_jobs, project)
    return ListOperation(
        *operation,
        filters,
        items_field="jobs",
        item_name="jobs",
        convert=lambda payload: job_from_api(payload, owner),
        key=lambda job: job.job_id,
    )


def summary_list(
    owner: Owner, project: str | Project | None, filters: dict[str, Any]
) -> ListOperation[JobSummary]:
    """Returns the list of job summaries."""
    from qai_hub_api.api.jobs import list_job_summaries
    from qai_hub_api.api.projects import list_project_job_summaries

    operation = _select_operation(list_job_summaries, list_project_job_summaries, project)
    return ListOperation(
        *operation,
        filters,
        items_field="job_summaries",
        item_name="jobs",
        convert=lambda payload: summary_from_api(payload, owner),
        key=lambda summary: summary.job_id,
    )


def model_list(owner: JobOwner, project: str | Project | None) -> ListOperation[Model]:
    """Returns the list of models."""
    from qai_hub_api.api.models import list_models
    from qai_hub_api.api.projects import list_project_models

    operation = _select_operation(list_models, list_project_models, project)
    return ListOperation(
        *operation,
        {},
        items_field="models",
        item_name="models",
        convert=lambda payload: Model._from_response(payload, owner),
        key=lambda model: model.model_id,
    )


def dataset_list(owner: Owner) -> ListOperation[Dataset]:
    """Returns the list of datasets."""
    from qai_hub_api.api.datasets import list_datasets

    return ListOperation(
        list_datasets.sync_detailed,
        (),
        {},
        items_field="datasets",
        item_name="datasets",
        convert=lambda payload: Dataset._from_response(payload, owner),
        key=lambda dataset: dataset.dataset_id,
    )


def _select_operation(
    list_all: Any,  # noqa: ANN401 (modules of the generated client, one per operation)
    list_in_project: Any,  # noqa: ANN401 (as above)
    project: str | Project | None,
) -> tuple[Any, tuple[str, ...]]:
    """Returns the operation that lists one project, or all for None, and its path parameters."""
    project_id = parse_project(project)
    if project_id is None:
        return list_all.sync_detailed, ()
    return list_in_project.sync_detailed, (project_id,)
