"""What all submits of jobs have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qai_hub.client.upload import UploadingClient, check_data
from qai_hub.errors import Error
from qai_hub.resources.job import Job
from qai_hub.resources.kinds import job_from_api, with_id
from qai_hub.resources.payload import other_type
from qai_hub.transport.values import id_of_made

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.project import Project
    from qai_hub.tensors import DatasetEntries


J = TypeVar("J", bound=Job)
T = TypeVar("T")

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

    def _create(
        self,
        bodies: list[api.JobSubmit],
        project: str | Project | None,
        retry: bool,
        kind: type[J],
    ) -> list[J]:
        """Creates jobs, one after the other; an error has a note about those that were made."""
        from qai_hub_api.api.jobs import get_job

        made: list[str] = []
        jobs: list[J] = []
        with naming_made(made):
            for body in bodies:
                made.append(self._create_one(body, self._project_id(project), retry))
                payload = self._connection.call(get_job.sync, made[-1])
                job = job_from_api(with_id(payload, made[-1]), self)
                if not isinstance(job, kind):
                    raise other_type(kind.__name__.removesuffix("Job").lower())
                jobs.append(job)
        return jobs

    def _create_one(self, body: api.JobSubmit, project_id: str | None, retry: bool) -> str:
        from qai_hub_api.api.jobs import create_job
        from qai_hub_api.api.projects import create_project_job

        call = self._connection.call
        with self._connection.limits(retry_rate_limit=retry):
            if project_id is None:
                made = call(create_job.sync, body=body, seed_target_model=True)
            else:
                made = call(create_project_job.sync, project_id, body=body, seed_target_model=True)
        return id_of_made(made.id)


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
