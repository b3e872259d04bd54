"""Handlers for jobs: get, rename, cancel, results and artifacts."""

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.lists import updated_response
from qai_hub.local.api.models import model_download_json
from qai_hub.local.api.serialize_jobs import failure_reasons, job_json, result_json
from qai_hub.local.api.uploads import download_json
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import JOB
from qai_hub.local.core.kinds import DONE, FAILED, FINISHED_STATES, KINDS
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import get_artifacts, get_job_result, get_uses
from qai_hub.local.store.rows import JOBS, MODELS


def get_job(context: RequestContext) -> Reply:
    """Return a job in its current state."""
    job = JOB.get_visible(context.db, context.viewer, context.call.params["job_id"])
    return Reply(job_json(context, job))


def update_job(context: RequestContext) -> Reply:
    """Rename a job."""
    job = JOB.get_editable(context.db, context.viewer, context.call.params["job_id"])
    if "name" in context.call.body:
        JOBS.update(context.db, job.id, name=context.call.body["name"])
        publish(context.db, Topic.CHANGED, [job.id])
    return updated_response(job.id, job.created)


def cancel_job(context: RequestContext) -> Reply:
    """Cancel a job that has not ended, and jobs that wait for its model; return its state."""
    job = JOB.get_editable(context.db, context.viewer, context.call.params["job_id"])
    ended = context.services.lifecycle.cancel(context.db, job, context.viewer.email)
    return updated_response(job.id, job.created, status=FAILED if ended else job.state)


def get_result(context: RequestContext) -> Reply:
    """Return the result of a job that succeeded."""
    job = _job(context)
    body = get_job_result(context.db, job.id)
    if job.state != DONE or body is None:
        raise ProblemError(409, _explain_unavailable(context, job))
    return Reply(result_json(context, job, body))


def get_compiled_model_download(context: RequestContext) -> Reply:
    """Sign a URL for the download of a job's target model."""
    job = _job(context)
    targets = get_uses(context.db, [job.id])[job.id].target
    if not targets:
        raise ProblemError(
            409, f"The job {job.id} produces no model: its type is {_type_name(job)}."
        )
    target = MODELS.get(context.db, targets[0])
    if target is None:
        raise ProblemError(404, f"The model {targets[0]} of the job {job.id} has been deleted.")
    return Reply({"url": model_download_json(context, target)})


def list_artifacts(context: RequestContext) -> Reply:
    """Sign URLs for the downloads of a job's artifacts of one type."""
    job = _job(context)
    if context.call.params["attempt"] not in ("latest", str(job.attempt)):
        raise ProblemError(404, f"The job {job.id} has no artifacts of that attempt.")
    if job.state not in FINISHED_STATES:
        raise ProblemError(409, _explain_unavailable(context, job))
    wanted = _artifact_type(context)
    found = [each for each in get_artifacts(context.db, [job.id])[job.id] if each.type == wanted]
    if not found:
        raise ProblemError(404, f"The job {job.id} has no artifacts of the type {wanted}.")
    return Reply(
        {
            "artifacts": [
                download_json(context, artifact.file_id, f"{job.id}_{artifact.name}")
                for artifact in found
            ]
        }
    )


def _artifact_type(context: RequestContext) -> str:
    number = context.call.params["artifact_type"]
    for name, value in context.services.contract.enum_values("JobArtifactType").items():
        if value == number:
            return name
    raise ProblemError(404, f"There are no artifacts of the type {number}.")


def _type_name(job: Job) -> str:
    return KINDS[job.kind].message.removesuffix("_job")


def _job(context: RequestContext) -> Job:
    return JOB.get_visible(context.db, context.viewer, context.call.params["job_id"])


def _explain_unavailable(context: RequestContext, job: Job) -> str:
    if job.state == FAILED:
        return f"The job {job.id} failed: {failure_reasons(context, [job])[job.id]}"
    return f"The job {job.id} has not ended yet: it is {job.state}."
