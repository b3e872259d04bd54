"""The page that asks before several jobs are renamed, shared or cancelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page, local_path, read_emails, redirect

_TITLES: Final = {"rename": "Rename", "share": "Share", "cancel": "Cancel"}


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


def ask(page: Page) -> Response:
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


def change(page: Page) -> Response:
    """Do with the jobs that a form names what it says."""
    form = page.form
    keys = form.getlist("job")
    choice = _read_choice(page, form.get("do", ""), keys)
    if not choice.changed:
        raise ProblemError(409, f"None of these jobs is changed. {_reasons(choice)}")
    # The form has a name beside each identifier.
    names = dict(zip(keys, form.getlist("name"), strict=False))
    for job in choice.changed:
        match choice.do:
            case "rename":
                if job.id not in names:
                    raise ProblemError(400, f"The form has no name for the job {job.id}.")
                page.ask("updateJob", {"name": names[job.id].strip()}, job_id=job.id)
            case "share":
                emails = read_emails(form)
                page.ask("updateJobSharing", {"add_email": emails}, job_id=job.id)
            case "cancel":
                page.ask("cancelJob", job_id=job.id)
    return redirect(local_path(form.get("to", "/jobs/")))


def _read_choice(page: Page, do: str, keys: Sequence[str]) -> _Choice:
    if do not in _TITLES:
        raise ProblemError(400, "The form does not say what to do.")
    if not keys:
        raise ProblemError(400, "No job is chosen: go back, and tick some.")
    changed, kept = list[JobFacts](), list[tuple[JobFacts, str]]()
    for key in dict.fromkeys(keys):
        job = JobFacts.of_job(page.get("getJob", job_id=key))
        if job.detail["read_only"]:
            kept.append((job, f"It is {job.owner}'s."))
        elif do == "cancel" and job.is_finished:
            kept.append((job, "It has ended."))
        else:
            changed.append(job)
    return _Choice(do, changed, kept)


def _reasons(choice: _Choice) -> str:
    return " ".join(f"{job.name or job.id}: {reason}" for job, reason in choice.kept)
