"""What all submits of jobs have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from qai_hub.client.devices import DEVICES, Choice, choose_anew
from qai_hub.client.upload import UploadingClient, check_data
from qai_hub.errors import Error, UserError
from qai_hub.resources.job import Job
from qai_hub.resources.kinds import submitted_job
from qai_hub.submit.drafts import Draft
from qai_hub.submit.model_checks import check_framework

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.device import Device
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries


J = TypeVar("J", bound=Job)
T = TypeVar("T")

# The devices of a job, and what drafts it for them.
Planned: TypeAlias = tuple[Sequence[Choice], Callable[[list["Device"]], Draft]]

# What a service may answer where a device is not there.
_REFUSALS = frozenset({400, 404, 409, 422})
_DATASET_ID = re.compile(r"d[a-z0-9]{1,31}")


class SubmittingClient(UploadingClient):
    """A client that creates jobs of models and datasets on the hub."""

    def _checked_data(self, data: Dataset | DatasetEntries | str) -> Dataset | DatasetEntries | str:
        """Data that can be used or uploaded; of an identifier, the dataset.

        Raises:
            FileNotFoundError: If there is no file at a path.
            UserError: If it is no dataset, or one that has expired.
        """
        if isinstance(data, str) and _DATASET_ID.fullmatch(data) and not Path(data).exists():
            data = self.get_dataset(data)
        check_data(data)
        return data

    def _choose(self, queries: list[Device], models: Sequence[Any] = ()) -> list[Choice]:
        """The devices that jobs will get, one for each query.

        Args:
            queries: What the user asked for.
            models: What the devices have to run: each a `Model`, or one that could be uploaded.

        Raises:
            UserError: If none matches a query, it is not well formed, or a device does not run a
                model.
        """
        choices = [DEVICES.choose(self, query) for query in queries]
        try:
            _check_frameworks(models, choices)
        except UserError:
            # A device that is remembered may have got what it lacked.
            renewed = choose_anew(self, choices)
            if renewed is None:
                raise
            _check_frameworks(models, renewed)
            return renewed
        return choices

    def _create(
        self,
        kind: type[J],
        planned: Sequence[Planned],
        project: str | Project | None,
        retry: bool = True,
    ) -> list[J]:
        """Creates jobs, one after the other; an error has a note about those that were made."""
        project_id = self._project_id(project)
        made: list[str] = []
        jobs: list[J] = []
        with naming_made(made):
            for choices, draft in planned:
                jobs.append(self._create_one(kind, choices, draft, project_id, retry))
                made.append(jobs[-1].job_id)
        return jobs

    def _create_one(
        self,
        kind: type[J],
        choices: Sequence[Choice],
        draft: Callable[[list[Device]], Draft],
        project_id: str | None,
        retry: bool,
    ) -> J:
        drafted = draft([choice.device for choice in choices])
        try:
            answer = self._send_job(drafted.body, project_id, retry)
        except UserError as error:
            # A device that is remembered may have gone, or may be another one by now.
            renewed = choose_anew(self, choices) if error.status_code in _REFUSALS else None
            if renewed is None:
                raise
            drafted = draft([choice.device for choice in renewed])
            answer = self._send_job(drafted.body, project_id, retry)
        known = {"name": drafted.name, **drafted.known} if drafted.name else drafted.known
        return submitted_job(kind, answer, self, known)

    def _send_job(
        self, body: api.JobSubmit, project_id: str | None, retry: bool
    ) -> api.CreateUpdateResponse:
        from qai_hub_api.api.jobs import create_job
        from qai_hub_api.api.projects import create_project_job

        connection = self._connection
        with connection.limits(retry_rate_limit=retry):
            if project_id is None:
                return connection.call(create_job.sync, body=body, seed_target_model=True)
            return connection.call(
                create_project_job.sync, project_id, body=body, seed_target_model=True
            )


def _check_frameworks(models: Sequence[Any], choices: Sequence[Choice]) -> None:
    for choice in choices:
        for model in models:
            check_framework(model, choice.device)


@contextmanager
def naming_made(made: list[str]) -> Iterator[None]:
    """Adds a note to errors: which jobs were made before.

    Args:
        made: Identifiers of the jobs; it may grow while the context lasts.
    """
    try:
        yield
    except Error as error:
        if made:
            error.add_note(f"Made before that, to be fetched by get_job: {', '.join(made)}")
        raise


def one_or_all(jobs: list[T]) -> T | list[T]:
    """A bare job for one device, as scripts expect it also of a list of one device."""
    return jobs[0] if len(jobs) == 1 else jobs


def only(made: T | list[T]) -> T:
    """The job of a submit for one device."""
    return made[0] if isinstance(made, list) else made
