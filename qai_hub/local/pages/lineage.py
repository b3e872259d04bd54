"""Where the model of a job comes from, and what was done with the model that it made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qai_hub.local.core.access import JOB, filter_visible, filter_visible_of_jobs
from qai_hub.local.core.visible_uses import find_visible_uses
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page
from qai_hub.local.pages.text import format_model_type
from qai_hub.local.store.records import JobSummary, ModelSummary
from qai_hub.local.store.relations import Uses, get_uses
from qai_hub.local.store.rows import JOB_SUMMARIES, MODEL_SUMMARIES, MODELS

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
        more: Whether further jobs came after it, which the viewer may see.
    """

    before: Sequence[Sequence[Node]]
    after: Sequence[Sequence[Node]]
    more: bool


def read_lineage(page: Page, job_id: str) -> Lineage:
    """Return the neighbours of a job that the viewer may see, as far as they may see them."""
    job = JOB.get_visible(page.db, page.viewer, job_id)
    uses = _get_uses(page, [job])
    after, more = _follow(page, uses[job.id].target)
    return Lineage([*_go_back(page, job, uses)][::-1], after, more)


def _go_back(page: Page, job: JobSummary, uses: Mapping[str, Uses]) -> Iterator[Sequence[Node]]:
    """Yield what came before a job, the latest first, given what the job uses."""
    jobs: Sequence[JobSummary] = [job]
    for _ in range(_MAX_STEPS):
        inputs = {key: each.input for key, each in uses.items()}
        keys = [*dict.fromkeys(key for each in jobs for key in inputs[each.id])][:_MAX_JOBS]
        found = MODELS.get_many(page.db, keys)
        models = filter_visible_of_jobs(page.db, page.viewer, jobs, inputs, found)
        producers = _get_visible_jobs(page, [each.producer_id for each in models.values()])
        nodes = list[Node]()
        for key in keys:
            model = models.get(key)
            producer = None if model is None else producers.get(model.producer_id or "")
            if producer is None:
                nodes.append(_model_node(key, model))
            else:
                nodes.append(_job_node(producer, model))
        if not nodes:
            return
        yield _unique(nodes)
        jobs = [*producers.values()]
        uses = _get_uses(page, jobs)


def _follow(page: Page, targets: Sequence[str]) -> tuple[list[Sequence[Node]], bool]:
    """Return what came after the job that made some models, and whether there is more than that."""
    steps, more = list[Sequence[Node]](), False
    for _ in range(_MAX_STEPS):
        found = find_visible_uses(page.db, page.viewer, targets, _MAX_JOBS, "input")
        if not found.jobs:
            break
        more = more or found.has_more
        uses = _get_uses(page, found.jobs)
        targets = [key for each in found.jobs for key in uses[each.id].target]
        models = MODEL_SUMMARIES.get_many(page.db, targets)
        steps.append(
            [
                _job_node(
                    each,
                    next(map(models.get, uses[each.id].target), None),
                    has_inputs=bool(uses[each.id].dataset),
                )
                for each in found.jobs
            ]
        )
    return steps, more


def _get_uses(page: Page, jobs: Sequence[JobSummary]) -> Mapping[str, Uses]:
    return get_uses(page.db, [each.id for each in jobs])


def _get_visible_jobs(page: Page, keys: Iterable[str | None]) -> Mapping[str, JobSummary]:
    found = JOB_SUMMARIES.get_many(page.db, (key for key in keys if key))
    return filter_visible(page.db, page.viewer, found.values())


def _job_node(job: JobSummary, target: ModelSummary | None, *, has_inputs: bool = False) -> Node:
    """Return the node of a job, and of the model that it makes."""
    facts = JobFacts.of_record(job, owner="", has_inputs=has_inputs)
    what = facts.type.capitalize()
    if target is not None and target.model_type:
        what = f"{what} to {format_model_type(target.model_type)}"
    return Node(f"/jobs/{facts.id}/", facts.name or facts.id, what, facts.tone)


def _model_node(key: str, model: ModelSummary | None) -> Node:
    """Return the node of a model; None for one that is gone, or that the viewer may not see."""
    return Node(f"/models/{key}/", key if model is None else model.name or key, "Model")


def _unique(nodes: Iterable[Node]) -> list[Node]:
    return list(dict.fromkeys(nodes))
