"""The list of jobs, by what people look for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from qai_hub.local.api.lists import SEARCHES
from qai_hub.local.contract import Reply
from qai_hub.local.core.kinds import FINISHED_STATES, KINDS
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.compare import MAX_COMPARED
from qai_hub.local.pages.job_facts import JobFacts, job_id_of_summary
from qai_hub.local.pages.notes import end_note, read_note
from qai_hub.local.pages.site import Page, next_cursor, redirect
from qai_hub.local.store.relations import get_uses

_PAGE_SIZE: Final = 50
# What people choose from, beside all.
_STATES: Final = {
    "unfinished": "Under way",
    "done": "Done",
    "failed": "Failed",
}
_TYPES: Final = {
    "compile": "Compile",
    "quantize": "Quantize",
    "link": "Link",
    "inference": "Inference and profile",
}
# The fields that are always seen, and the others; and the API's parameters for those that have
# another name there.
_MAIN: Final = ("name", "type", "state")
_MORE: Final = ("device", "model", "after", "before", "creator")
_PARAMETERS: Final = {"model": "model_id"}


def show_start(page: Page) -> Response:
    """Lead to the list of jobs."""
    return redirect("/jobs/")


def show_jobs(page: Page) -> Response:
    """Show a page of the list of jobs."""
    query = _read_query(page)
    problem, reply = "", Reply({"job_summaries": [], "total_query_count": 0})
    try:
        reply = page.ask("listJobSummaries", **_parameters(page, query))
    except ProblemError as error:
        if error.status != 400:
            raise
        problem = error.detail
    next_page = next_cursor(reply)
    filters = {name: value for name, value in query.items() if name != "cursor"}
    is_first = "cursor" not in query
    oldest_first = filters.get("order") == "oldest"
    note = read_note(page)
    response = page.render(
        "jobs.html",
        400 if problem else 200,
        jobs=_read_jobs(page, reply.body["job_summaries"]),
        total=reply.body["total_query_count"],
        # A search ends where it stops, and its length is known only if that is the end.
        is_counted=(is_first and next_page is None) or not _is_search(filters),
        searched_to=reply.body.get("searched_to"),
        further=_address(filters, cursor=next_page) if next_page else None,
        first=None if is_first else _address(filters),
        oldest_first=oldest_first,
        reverse=_address(filters, order="" if oldest_first else "oldest"),
        here_again=_address(query),
        problem=problem,
        query={name: value for name, value in filters.items() if name != "order"},
        has_more=any(name in filters for name in _MORE),
        states=_STATES,
        types=_TYPES,
        max_compared=MAX_COMPARED,
        note=note,
    )
    if note:
        end_note(page.site, response)
    return response


def _read_jobs(page: Page, summaries: Sequence[Any]) -> list[JobFacts]:
    ids = [job_id_of_summary(each) for each in summaries]
    uses = get_uses(page.db, ids)
    return [
        JobFacts.of_summary(each, has_inputs=bool(uses[key].dataset))
        for key, each in zip(ids, summaries, strict=True)
    ]


def _read_query(page: Page) -> dict[str, str]:
    """Return what the list is asked for, without what is left empty."""
    given = page.request.query_params
    query = {name: given.get(name, "").strip() for name in (*_MAIN, *_MORE, "order", "cursor")}
    return {name: value for name, value in query.items() if value}


def _is_search(filters: Mapping[str, str]) -> bool:
    names = {_PARAMETERS.get(name, name) for name in filters}
    return not names.isdisjoint({*SEARCHES, "after", "before"})


def _address(filters: Mapping[str, str], **more: str) -> str:
    query = urlencode({name: value for name, value in {**filters, **more}.items() if value})
    return f"/jobs/?{query}" if query else "/jobs/"


def _parameters(page: Page, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the API's parameters of a list. Choices that there are not are left out."""
    params: dict[str, Any] = {"limit": _PAGE_SIZE}
    for name, value in query.items():
        match name:
            case "state":
                if value in _STATES:
                    params["state"] = _state_numbers(page, value)
            case "type":
                if value in _TYPES:
                    params["type"] = value
            case "order":
                if value == "oldest":
                    params["order"] = value
            case _:
                params[_PARAMETERS.get(name, name)] = value
    return params


def _state_numbers(page: Page, chosen: str) -> str:
    """Return the states that a choice stands for, as the API's parameter."""
    numbers = page.site.services.contract.enum_values("JobState")
    states = {state for kind in KINDS.values() for state in kind.states}
    names = {
        "unfinished": states - FINISHED_STATES,
        "done": {"JOB_STATE_DONE"},
        "failed": {"JOB_STATE_FAILED"},
    }[chosen]
    return ",".join(str(numbers[name]) for name in sorted(names))
