"""Where the model of a job comes from, and what was done with the model that it made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page
from qai_hub.local.store.relations import get_jobs_using

Json = Mapping[str, Any]

_MAX_STEPS = 4
_MAX_JOBS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A job, or a model that somebody uploaded.

    Attributes:
        path: The path of its page.
        name: Its name.
        what: What it is, in a few words.
        tone: How its state is coloured; empty for a model.
    """

    path: str
    name: str
    what: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Lineage:
    """The neighbours of a job.

    Attributes:
        before: What came before it, step by step.
        after: What came after it, step by step.
        more: Whether further jobs came after it.
    """

    before: Sequence[Sequence[Node]]
    after: Sequence[Sequence[Node]]
    more: bool


def read_lineage(page: Page, job: JobFacts) -> Lineage:
    """Return the neighbours of a job that the viewer may see."""
    after, more = _follow(page, job)
    return Lineage([*_go_back(page, job)][::-1], after, more)


def input_models(job: JobFacts) -> list[Json]:
    """Return the models that a job uses, as the API tells them."""
    fields = job.fields
    return list(fields["models"]["models"]) if job.type == "link" else [fields["model"]]


def _go_back(page: Page, job: JobFacts) -> Iterator[Sequence[Node]]:
    """Yield what came before a job, the latest first."""
    jobs = [job]
    for _ in range(_MAX_STEPS):
        models = {each["model_id"]: each for one in jobs for each in input_models(one)}
        jobs, nodes = [], list[Node]()
        for model in list(models.values())[:_MAX_JOBS]:
            producer = _find(page, model.get("producer_id"))
            if producer is None:
                nodes.append(_model_node(model))
            else:
                jobs.append(producer)
                nodes.append(_job_node(producer))
        if not nodes:
            return
        yield _unique(nodes)
        if not jobs:
            return


def _follow(page: Page, job: JobFacts) -> tuple[list[Sequence[Node]], bool]:
    """Return what came after a job, and whether there is more than that."""
    steps, jobs, more = list[Sequence[Node]](), [job], False
    for _ in range(_MAX_STEPS):
        targets = [one.fields["target_model"]["model_id"] for one in jobs if _makes_model(one)]
        if not targets:
            break
        ids = get_jobs_using(page.db, targets, _MAX_JOBS + 1)
        more = more or len(ids) > _MAX_JOBS
        found = (_find(page, key) for key in ids[:_MAX_JOBS])
        jobs = [each for each in found if each is not None]
        if not jobs:
            break
        steps.append(_unique([_job_node(each) for each in jobs]))
    return steps, more


def _makes_model(job: JobFacts) -> bool:
    return "target_model" in job.fields


def _find(page: Page, key: str | None) -> JobFacts | None:
    """Return a job; None if there is none that the viewer may see."""
    if not key:
        return None
    try:
        return JobFacts.of_job(page.get("getJob", job_id=key))
    except ProblemError:
        return None


def _job_node(job: JobFacts) -> Node:
    what = job.type.capitalize()
    if _makes_model(job) and job.target:
        what = f"{what} to {job.target}"
    return Node(f"/jobs/{job.id}/", job.name or job.id, what, job.tone)


def _model_node(model: Json) -> Node:
    key = model["model_id"]
    return Node(f"/models/{key}/", model.get("name") or key, "Model")


def _unique(nodes: Iterable[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))
