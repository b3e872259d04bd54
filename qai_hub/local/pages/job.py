"""The page of a job."""

from starlette.responses import Response

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.site import Page, redirect


def show_job(page: Page) -> Response:
    """Show a job."""
    key = page.request.path_params["job_id"]
    job = JobFacts.of_job(page.get("getJob", job_id=key))
    sharing = page.get("getJobSharing", job_id=key) if not job.detail["read_only"] else None
    return page.render("job.html", job=job, sharing=sharing)


def change_job(page: Page) -> Response:
    """Carry out what a form of the page of a job asks for."""
    key = page.request.path_params["job_id"]
    match page.form.get("do"):
        case "rename":
            page.ask("updateJob", {"name": page.form.get("name", "").strip()}, job_id=key)
        case "cancel":
            page.ask("cancelJob", job_id=key)
        case "share":
            emails = page.form.get("emails", "").replace(",", " ").split()
            page.ask("updateJobSharing", {"add_email": emails}, job_id=key)
        case "unshare":
            email = page.form.get("email", "")
            page.ask("updateJobSharing", {"remove_email": [email]}, job_id=key)
        case _:
            raise ProblemError(400, "The form does not say what to do.")
    return redirect(f"/jobs/{key}/")
