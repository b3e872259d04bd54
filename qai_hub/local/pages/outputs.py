"""The outputs of an inference job, on the page of the job, and how they differ from another's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from qai_hub.local.clock import rfc3339
from qai_hub.local.core.access import DATASET
from qai_hub.local.core.inspections import Inspection
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.inspected import Entry, draw_histogram
from qai_hub.local.pages.owned import inspect
from qai_hub.local.pages.site import Page
from qai_hub.local.store.relations import get_uses

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """How an output differs from that of another job.

    Attributes:
        name: Its name.
        detail: What the worker told of it.
    """

    name: str
    detail: Json

    @property
    def histogram(self) -> Markup | None:
        """How often differences occur; None if that is not known."""
        values = self.detail.get("values")
        return draw_histogram(values, f"Distribution of the differences of {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outputs of a job beside those of another.

    Attributes:
        job_id: The other job.
        inspection: What is known of them.
        problem: Why they cannot be compared; empty if they can.
        inputs: The datasets with the inputs of both jobs, if they are not the same.
    """

    job_id: str
    inspection: Inspection | None = None
    problem: str = ""
    inputs: tuple[str, str] | None = None

    @property
    def differences(self) -> Sequence[Difference]:
        """How each output differs."""
        if self.inspection is None or self.inspection.result is None:
            return ()
        return [Difference(each["name"], each) for each in self.inspection.result["entries"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The outputs of a job.

    Attributes:
        dataset_id: Their dataset.
        inspection: What is known of it.
        problem: Why they cannot be shown; empty if they can.
        comparison: How they differ from those of another job; None if that is not asked for.
    """

    dataset_id: str
    inspection: Inspection | None = None
    problem: str = ""
    comparison: Comparison | None = None

    @property
    def entries(self) -> Sequence[Entry]:
        """Each output."""
        return Entry.of_all(self.inspection)


def read_outputs(page: Page, job_id: str, result: Json | None) -> Outputs | None:
    """Return the outputs of a job; None if it has none.

    Args:
        page: The page.
        job_id: The job.
        result: The contract's `JobResult`; None for a job without one.
    """
    dataset_id = _output_dataset(result or {})
    if not dataset_id:
        return None
    try:
        file_id = _output_file(page, dataset_id)
    except ProblemError as problem:
        return Outputs(dataset_id=dataset_id, problem=problem.detail)
    against = page.request.query_params.get("against", "").strip()
    return Outputs(
        dataset_id=dataset_id,
        inspection=inspect(page, file_id),
        comparison=_compare(page, job_id, file_id, against) if against else None,
    )


def _compare(page: Page, job_id: str, file_id: str, against: str) -> Comparison:
    try:
        dataset_id = _output_dataset(page.get("getJobResult", job_id=against))
        if not dataset_id:
            return Comparison(job_id=against, problem=f"The job {against} has no outputs.")
        other = _output_file(page, dataset_id)
    except ProblemError as problem:
        return Comparison(job_id=against, problem=problem.detail)
    uses = get_uses(page.db, [job_id, against])
    (mine,), (theirs,) = (uses[key].dataset for key in (job_id, against))
    return Comparison(
        job_id=against,
        inspection=inspect(page, file_id, reference_id=other),
        inputs=None if mine == theirs else (mine, theirs),
    )


def _output_dataset(result: Json) -> str:
    """Return the dataset with the outputs of a job; empty if there is none."""
    found: str = result.get("inference_job_result", {}).get("output_dataset_id", "")
    return found


def _output_file(page: Page, dataset_id: str) -> str:
    """Return the file of a dataset.

    Raises:
        ProblemError: It cannot be read, with the reason.
    """
    dataset = DATASET.get_visible(page.db, page.viewer, dataset_id)
    now = rfc3339(page.site.services.clock())
    if dataset.file_id is None or (dataset.expires is not None and dataset.expires <= now):
        raise ProblemError(409, f"The outputs have expired, with the dataset {dataset_id}.")
    return dataset.file_id
