"""What pages of models and of datasets share: their lists, forms and jobs, and their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from qai_hub.local.core.inspections import Inspection, Question
from qai_hub.local.core.visible_uses import find_visible_uses
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page, next_cursor, read_emails, redirect
from qai_hub.local.store.files import get_sizes
from qai_hub.local.store.records import Dataset, Model
from qai_hub.local.store.relations import Role, get_uses

_PAGE_SIZE: Final = 50
_MAX_JOBS: Final = 50
_ROLES: Final[Mapping[Role, str]] = {
    "input": "Takes it",
    "target": "Makes it",
    "dataset": "Reads it",
    "output": "Makes it",
}


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list.

    Attributes:
        items: What the API tells of each item.
        total: The number of items on all pages.
        next_cursor: Where the next page begins; None on the last.
        is_first: Whether it is the first page.
    """

    items: Sequence[Any]
    total: int
    next_cursor: str | None
    is_first: bool


def read_list(page: Page, operation: str, field: str) -> ListPage:
    """Return the page of a list that a browser asks for, newest first.

    Args:
        page: The page.
        operation: The operation of the API that lists.
        field: The field that holds the items.
    """
    cursor = page.request.query_params.get("cursor", "")
    params: dict[str, Any] = {"limit": _PAGE_SIZE}
    if cursor.isascii() and cursor.isdigit():
        params["cursor"] = cursor
    reply = page.ask(operation, **params)
    return ListPage(
        reply.body[field],
        reply.body["total_query_count"],
        next_cursor(reply),
        "cursor" not in params,
    )


def read_sizes(page: Page, records: Sequence[Model | Dataset]) -> dict[str, int]:
    """Return the sizes of the files of models or datasets, in bytes, as far as they have some."""
    files = {record.id: record.file_id for record in records if record.file_id is not None}
    sizes = get_sizes(page.db, list(files.values()))
    return {key: sizes[file_id] for key, file_id in files.items() if file_id in sizes}


@dataclass(frozen=True, slots=True)
class UsingJob:
    """A job that uses or makes a model or dataset.

    Attributes:
        job: The job.
        role: What it does with it, in words.
    """

    job: JobFacts
    role: str


@dataclass(frozen=True, slots=True)
class UsingJobs:
    """The jobs that use or make a model or dataset, as far as the viewer may see them.

    Attributes:
        jobs: The newest of them, the newest first.
        is_partial: Whether there are more.
    """

    jobs: Sequence[UsingJob]
    is_partial: bool


def read_jobs(page: Page, key: str) -> UsingJobs:
    """Return the jobs that use or make a model or dataset."""
    uses = find_visible_uses(page.db, page.viewer, [key], _MAX_JOBS)
    accounts = page.site.services.accounts
    their_uses = get_uses(page.db, [job.id for job in uses.jobs])
    jobs = [
        UsingJob(
            JobFacts.of_record(
                job,
                accounts.get_user(job.owner_id).email,
                has_inputs=bool(their_uses[job.id].dataset),
            ),
            _ROLES[uses.roles[job.id]],
        )
        for job in uses.jobs
    ]
    return UsingJobs(jobs, uses.has_more)


def inspect(page: Page, file_id: str, model_type: str = "", reference_id: str = "") -> Inspection:
    """Return what is known of what is in a file, which the viewer may read."""
    question = Question(file_id=file_id, model_type=model_type, reference_id=reference_id)
    return page.site.services.inspections.ask(question, page.viewer.id)


def change_owned(page: Page, kind: str) -> Response:
    """Carry out what a form of the page of a model or dataset asks for.

    Args:
        page: The page.
        kind: `Model` or `Dataset`, as in the names of operations.
    """
    name = f"{kind.lower()}_id"
    ids = {name: page.request.path_params[name]}
    match page.form.get("do"):
        case "rename":
            page.ask(f"update{kind}", {"name": page.form.get("name", "").strip()}, **ids)
        case "share":
            emails = read_emails(page.form)
            page.ask(f"update{kind}Sharing", {"add_email": emails}, **ids)
        case "unshare":
            emails = [page.form.get("email", "")]
            page.ask(f"update{kind}Sharing", {"remove_email": emails}, **ids)
        case _:
            raise ProblemError(400, "The form does not say what to do.")
    return redirect(f"/{kind.lower()}s/{ids[name]}/")


def ask_to_delete(page: Page, kind: str) -> Response:
    """Ask whether to delete a model or dataset."""
    name = f"{kind.lower()}_id"
    item = page.get(f"get{kind}", **{name: page.request.path_params[name]})
    if item["read_only"]:
        raise ProblemError(403, f"Only its owner may delete the {kind.lower()} {item[name]}.")
    return page.render("delete.html", kind=kind.lower(), id=item[name], name=item["name"])


def delete_owned(page: Page, kind: str) -> Response:
    """Delete a model or dataset."""
    name = f"{kind.lower()}_id"
    page.ask(f"delete{kind}", **{name: page.request.path_params[name]})
    return redirect(f"/{kind.lower()}s/")


def lead_to_file(page: Page, kind: str) -> Response:
    """Lead to the download of a model or dataset: its signed URL is in no page."""
    name = f"{kind.lower()}_id"
    found = page.get(f"get{kind}Download", **{name: page.request.path_params[name]})
    return redirect(found["url"]["url"])
