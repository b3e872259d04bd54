"""The trace of a profile, in the viewer that comes along or in Perfetto."""

from starlette.responses import Response

from qai_hub.local.core.kinds import PROFILE_TRACE
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.contents import send_content
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.job_files import find_artifact
from qai_hub.local.pages.profile import ProfileView
from qai_hub.local.pages.site import Page
from qai_hub.local.store.records import File


def show_trace(page: Page) -> Response:
    """Show the trace of a profile."""
    job, file = _read(page)
    result = page.get("getJobResult", job_id=job.id)
    response = page.render(
        "trace.html",
        job=job,
        profile=ProfileView.of(result["inference_job_result"]["detail"]),
        size=file.size,
    )
    # Perfetto answers the page that has opened it, which browsers keep from it otherwise.
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
    return response


def get_trace(page: Page) -> Response:
    """Return a trace itself, for the page that shows it."""
    _, file = _read(page)
    return send_content(page, file.id, file.size, "application/json")


def _read(page: Page) -> tuple[JobFacts, File]:
    job = JobFacts.of_job(page.get("getJob", job_id=page.request.path_params["job_id"]))
    file = find_artifact(page, job.id, PROFILE_TRACE)
    if file is None:
        raise ProblemError(404, f"The job {job.id} has no trace.")
    return job, file
