"""The page of a job."""

import json
from typing import Any

from starlette.responses import Response

from qai_hub.local.core.kinds import DONE, PROFILE_TRACE
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.job_facts import JobFacts
from qai_hub.local.pages.job_files import list_files, read_log
from qai_hub.local.pages.job_results import JobResult
from qai_hub.local.pages.layer_table import LayerTable
from qai_hub.local.pages.layers import layers_csv
from qai_hub.local.pages.lineage import read_lineage
from qai_hub.local.pages.outputs import read_outputs
from qai_hub.local.pages.profile import ProfileView
from qai_hub.local.pages.quantized_layers import QuantizedLayers
from qai_hub.local.pages.ranges import RangesView
from qai_hub.local.pages.site import Page, read_emails, redirect
from qai_hub.local.pages.snippets import python_snippet, shell_snippet


def show_job(page: Page) -> Response:
    """Show a job."""
    key = page.request.path_params["job_id"]
    job = JobFacts.of_job(page.get("getJob", job_id=key))
    is_own = not job.detail["read_only"]
    body = page.get("getJobResult", job_id=key) if job.state == DONE else None
    result = JobResult.of(body)
    profile, quantized = result.profile, result.quantized
    return page.render(
        "job.html",
        job=job,
        is_own=is_own,
        shared_with=page.get("getJobSharing", job_id=key)["email"] if is_own else (),
        lineage=read_lineage(page, job.id),
        result=result,
        layers=profile and LayerTable.of(profile.layers.all, page.params),
        quantized_layers=quantized and QuantizedLayers.of(quantized, page.params),
        ranges_table=quantized and quantized.ranges.list_part(page.params),
        has_trace=PROFILE_TRACE in job.detail["available_artifacts"],
        outputs=read_outputs(page, key, body),
        files=list_files(page, job),
        log=read_log(page, job),
        python=python_snippet(job),
        shell=shell_snippet(job),
    )


def get_profile_csv(page: Page) -> Response:
    """Return the layers of a profile as CSV."""
    profile = ProfileView.of(_detail(page))
    return _download(page, "profile.csv", "text/csv", layers_csv(profile.layers.all))


def get_profile_json(page: Page) -> Response:
    """Return a profile as the API tells it."""
    return _download(page, "profile.json", "application/json", json.dumps(_detail(page), indent=1))


def get_ranges_csv(page: Page) -> Response:
    """Return the ranges of the tensors of a quantized model as CSV."""
    key = page.request.path_params["job_id"]
    result = page.get("getJobResult", job_id=key)
    detail = result.get("quantize_job_result", {}).get("quantize_detail", {})
    if "tensor_ranges" not in detail:
        raise ProblemError(404, f"The job {key} has no ranges of tensors.")
    ranges = RangesView.of(detail["tensor_ranges"])
    return _download(page, "ranges.csv", "text/csv", ranges.to_csv())


def _detail(page: Page) -> Any:  # noqa: ANN401 - JSON
    key = page.request.path_params["job_id"]
    result = page.get("getJobResult", job_id=key)
    detail = result.get("inference_job_result", {}).get("detail")
    if detail is None:
        raise ProblemError(404, f"The job {key} has no profile.")
    return detail


def _download(page: Page, what: str, media_type: str, content: str) -> Response:
    name = f"{page.request.path_params['job_id']}_{what}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=media_type)


def change_job(page: Page) -> Response:
    """Carry out what a form of the page of a job asks for."""
    key = page.request.path_params["job_id"]
    match page.form.get("do"):
        case "rename":
            page.ask("updateJob", {"name": page.form.get("name", "").strip()}, job_id=key)
        case "cancel":
            page.ask("cancelJob", job_id=key)
        case "share":
            emails = read_emails(page.form)
            page.ask("updateJobSharing", {"add_email": emails}, job_id=key)
        case "unshare":
            email = page.form.get("email", "")
            page.ask("updateJobSharing", {"remove_email": [email]}, job_id=key)
        case _:
            raise ProblemError(400, "The form does not say what to do.")
    return redirect(f"/jobs/{key}/")
