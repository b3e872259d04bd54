"""What all methods that submit jobs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.client.submissions import Planned, choose_devices, create_jobs
from qai_hub.client.upload import UploadingClient
from qai_hub.coroutines import run_blocking
from qai_hub.resources.job import Job

if TYPE_CHECKING:
    from qai_hub.client.devices import Choice
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project


J = TypeVar("J", bound=Job)
T = TypeVar("T")


class SubmittingClient(UploadingClient):
    """A client that creates jobs from models and datasets on the hub."""

    def _choose(self, queries: list[Device], models: Sequence[Any] = ()) -> list[Choice]:
        """Finds the devices for jobs, one for each query, as `choose_devices` does."""
        return run_blocking(choose_devices(self._driver, self, queries, models))

    def _create(
        self,
        kind: type[J],
        planned: Sequence[Planned],
        project: str | Project | None,
        retry: bool = True,
    ) -> list[J]:
        """Creates jobs, as `create_jobs` does."""
        return run_blocking(create_jobs(self._driver, self, kind, planned, project, retry))


def one_or_all(jobs: list[T]) -> T | list[T]:
    """Returns a bare job for one device: scripts expect it also for a list of one device."""
    return jobs[0] if len(jobs) == 1 else jobs


def only(made: T | list[T]) -> T:
    """Returns the job of a submit for one device."""
    return made[0] if isinstance(made, list) else made
