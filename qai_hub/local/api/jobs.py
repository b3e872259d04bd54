"""Handlers for jobs: get, rename, cancel, results and artifacts."""

from qai_hub.local.api.context import Work
from qai_hub.local.api.lists import changed
from qai_hub.local.api.models import model_download
from qai_hub.local.api.serialize_jobs import job_json, reasons, result_json
from qai_hub.local.api.uploads import download_json
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import JOB
from qai_hub.local.core.kinds import DONE, FAILED, FINISHED_STATES, KINDS
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import get_artifacts, get_job_result, get_uses
from qai_hub.local.store.rows import JOBS, MODELS


def get_job(work: Work) -> Reply:
    """Return a job in its current state."""
    job = JOB.get_visible(work.db, work.viewer, work.call.params["job_id"])
    return Reply(job_json(work, job))


def update_job(work: Work) -> Reply:
    """Rename a job."""
    job = JOB.get_editable(work.db, work.viewer, work.call.params["job_id"])
    if "name" in work.call.body:
        JOBS.update(work.db, job.id, name=work.call.body["name"])
    return changed(job.id, job.created)


def cancel_job(work: Work) -> Reply:
    """Cancel a job that has not ended, and jobs that wait for its model; return its state."""
    job = JOB.get_editable(work.db, work.viewer, work.call.params["job_id"])
    services = work.services
    ended = services.lifecycle.cancel(work.db, job, work.viewer.email)
    work.after.append(lambda: services.cancelled(ended))
    return changed(job.id, job.created, status=FAILED if ended else job.state)


def get_result(work: Work) -> Reply:
    """Return the result of a job that succeeded."""
    job = _job(work)
    body = get_job_result(work.db, job.id)
    if job.state != DONE or body is None:
        raise ProblemError(409, _why_not(work, job))
    return Reply(result_json(work, job, body))


def get_compiled_model_download(work: Work) -> Reply:
    """Sign a URL for the download of a job's target model."""
    job = _job(work)
    targets = get_uses(work.db, [job.id])[job.id].target
    if not targets:
        raise ProblemError(409, f"The job {job.id} makes no model: its type is {_type(job)}.")
    target = MODELS.get(work.db, targets[0])
    if target is None:
        raise ProblemError(404, f"The model {targets[0]} of the job {job.id} has been deleted.")
    return Reply({"url": model_download(work, target)})


def list_artifacts(work: Work) -> Reply:
    """Sign URLs for the downloads of a job's artifacts of one type."""
    job = _job(work)
    if work.call.params["attempt"] not in ("latest", str(job.attempt)):
        raise ProblemError(404, f"The job {job.id} has no artifacts of that attempt.")
    if job.state not in FINISHED_STATES:
        raise ProblemError(409, _why_not(work, job))
    wanted = _artifact_type(work)
    found = [each for each in get_artifacts(work.db, [job.id])[job.id] if each.type == wanted]
    if not found:
        raise ProblemError(404, f"The job {job.id} has no artifacts of the type {wanted}.")
    return Reply(
        {
            "artifacts": [
                download_json(work, artifact.file_id, f"{job.id}_{artifact.name}")
                for artifact in found
            ]
        }
    )


def _artifact_type(work: Work) -> str:
    number = work.call.params["artifact_type"]
    for name, value in work.services.contract.enum_values("JobArtifactType").items():
        if value == number:
            return name
    raise ProblemError(404, f"There are no artifacts of the type {number}.")


def _type(job: Job) -> str:
    return KINDS[job.kind].message.removesuffix("_job")


def _job(work: Work) -> Job:
    return JOB.get_visible(work.db, work.viewer, work.call.params["job_id"])


def _why_not(work: Work, job: Job) -> str:
    if job.state == FAILED:
        return f"The job {job.id} failed: {reasons(work, [job])[job.id]}"
    return f"The job {job.id} has not ended yet: it is {job.state}."
