"""The page that asks before several jobs are renamed, shared or cancelled, and does it then."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from qai_hub.local.core.access import JOB, filter_visible
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.endpoint import PageEndpoint, run_view
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.notes import leave_note
from qai_hub.local.pages.site import Form, Page, Site, View, local_path, read_emails, redirect
from qai_hub.local.store.records import User
from qai_hub.local.store.rows import JOB_SUMMARIES

_TITLES: Final = {"rename": "Rename", "share": "Share", "cancel": "Cancel"}
_DONE: Final = {"rename": "Renamed", "share": "Shared", "cancel": "Cancelled"}
_MAX_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class _Choice:
    """Chosen jobs.

    Attributes:
        do: What is done with them.
        changed: Those that it can be done with.
        kept: Those that it cannot, with the reasons.
    """

    do: str
    changed: Sequence[JobFacts]
    kept: Sequence[tuple[JobFacts, str]]


class ChosenJobs(PageEndpoint):
    """The page, as an ASGI application.

    Each job is changed by itself: others need not wait until all of many are, and what has been
    done stays done if one of them cannot be changed any more.

    Args:
        site: The site that it belongs to.
    """

    def __init__(self, site: Site) -> None:
        # What a form asks for is carried out in several transactions, below.
        super().__init__(site, _ask, _ask)

    async def _show(self, view: View, request: Request, viewer: User, form: Form) -> Response:
        if request.method != "POST":
            return await super()._show(view, request, viewer, form)
        site = self._site
        keys = form.getlist("job")
        # The form has a name beside each identifier.
        names = dict(zip(keys, form.getlist("name"), strict=False))
        read = partial(_read_choice, do=form.get("do", ""), keys=keys)
        choice = await run_view(site, read, request, viewer)
        emails = read_emails(form) if choice.do == "share" else []
        reasons = [reason for _, reason in choice.kept]
        for job in choice.changed:
            if choice.do == "rename" and job.id not in names:
                raise ProblemError(400, f"The form has no name for the job {job.id}.")
        done = 0
        for job in choice.changed:
            change = partial(_change, choice.do, job.id, names.get(job.id, ""), emails)
            try:
                await run_view(site, change, request, viewer, writes=True)
                done += 1
            except ProblemError as problem:
                reasons.append(problem.detail)
        if not done:
            raise ProblemError(409, f"None of these jobs is changed. {_tell_kept(reasons)}")
        response = redirect(local_path(form.get("to", "/jobs/")))
        leave_note(site, request, response, viewer, _tell(choice.do, done, emails, reasons))
        return response


def _ask(page: Page) -> Response:
    """Ask what to do with the jobs that a form names."""
    query = page.request.query_params
    choice = _read_choice(page, query.get("do", ""), query.getlist("job"))
    return page.render(
        "chosen_jobs.html",
        do=choice.do,
        title=_TITLES[choice.do],
        jobs=choice.changed,
        kept=choice.kept,
        back=local_path(query.get("to", "/jobs/")),
    )


def _change(do: str, key: str, name: str, emails: Sequence[str], page: Page) -> None:
    match do:
        case "rename":
            page.ask("updateJob", {"name": name.strip()}, job_id=key)
        case "share":
            page.ask("updateJobSharing", {"add_email": emails}, job_id=key)
        case "cancel":
            page.ask("cancelJob", job_id=key)


def _read_choice(page: Page, do: str, keys: Sequence[str]) -> _Choice:
    if do not in _TITLES:
        raise ProblemError(400, "The form does not say what to do.")
    if not keys:
        raise ProblemError(400, "No job is chosen: go back, and tick some.")
    changed, kept = list[JobFacts](), list[tuple[JobFacts, str]]()
    for job in read_jobs(page, keys).values():
        if job.owner != page.viewer.email:
            kept.append((job, f"It is {job.owner}'s."))
        elif do == "cancel" and job.is_finished:
            kept.append((job, "It has ended."))
        else:
            changed.append(job)
    return _Choice(do, changed, kept)


def read_jobs(page: Page, keys: Sequence[str]) -> Mapping[str, JobFacts]:
    """Return jobs by id, in order.

    Raises:
        ProblemError: 404 if the viewer may not see one of them.
    """
    found = JOB_SUMMARIES.get_many(page.db, keys)
    visible = filter_visible(page.db, page.viewer, found.values())
    get_user = page.site.services.accounts.get_user
    jobs = dict[str, JobFacts]()
    for key in keys:
        record = visible.get(key) or JOB.get_visible(page.db, page.viewer, key)
        # What it is called, its state and whose it is do not depend on its data.
        owner = get_user(record.owner_id).email
        jobs[key] = JobFacts.of_record(record, owner, has_inputs=False)
    return jobs


def _tell(do: str, done: int, emails: Sequence[str], reasons: Sequence[str]) -> str:
    """Return what was done, in words."""
    jobs = "1 job" if done == 1 else f"{done} jobs"
    told = f"{_DONE[do]} {jobs}"
    if do == "share":
        more = len(emails) - _MAX_TOLD
        others = f" and {more} more" if more > 0 else ""
        told += f" with {', '.join(emails[:_MAX_TOLD])}{others}"
    return f"{told}. {_tell_kept(reasons)}".strip()


def _tell_kept(reasons: Sequence[str]) -> str:
    """Return which jobs are as they were, in words."""
    counted = Counter(reasons).most_common(_MAX_TOLD)
    return " ".join(
        f"{number} left as it was: {why}" if number == 1 else f"{number} left as they were: {why}"
        for why, number in counted
    )
