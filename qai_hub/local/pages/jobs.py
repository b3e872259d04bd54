"""The list of jobs."""

import re
from typing import Any, Final

from starlette.responses import Response

from qai_hub.local.core.kinds import FINISHED_STATES, KINDS
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page, redirect

_PAGE_SIZE: Final = 50
_NEXT: Final = re.compile(r'<[^>]*[?&]cursor=([0-9]+)[^>]*>; rel="next"')
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


def show_start(page: Page) -> Response:
    """Lead to the list of jobs."""
    return redirect("/jobs/")


def show_jobs(page: Page) -> Response:
    """Show a page of the list of jobs, newest first."""
    query = page.request.query_params
    params: dict[str, Any] = {"limit": _PAGE_SIZE}
    state = query.get("state", "")
    if state in _STATES:
        params["state"] = _state_numbers(page, state)
    if query.get("type") in _TYPES:
        params["type"] = query["type"]
    if query.get("creator"):
        params["creator"] = query["creator"].strip()
    cursor = query.get("cursor", "")
    if cursor.isascii() and cursor.isdigit():
        params["cursor"] = cursor
    reply = page.ask("listJobSummaries", **params)
    next_page = _NEXT.match(reply.headers.get("Link", ""))
    return page.render(
        "jobs.html",
        jobs=[JobFacts.of_summary(each) for each in reply.body["job_summaries"]],
        total=reply.body["total_query_count"],
        next_cursor=next_page[1] if next_page else None,
        is_first="cursor" not in params,
        query=dict(query),
        states=_STATES,
        types=_TYPES,
    )


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
