"""What jobs leave: their results, target models and artifacts."""

from qai_hub.local.access import JOB
from qai_hub.local.contract import Reply
from qai_hub.local.handlers.files import download_json
from qai_hub.local.handlers.models import model_download
from qai_hub.local.problems import ProblemError
from qai_hub.local.states import DONE, FAILED, FINISHED
from qai_hub.local.store.records import Job
from qai_hub.local.store.relations import artifacts_of, result_of, uses_of
from qai_hub.local.store.rows import MODELS
from qai_hub.local.views.jobs import result_json
from qai_hub.local.views.reasons import reasons
from qai_hub.local.work import Work


def get_result(work: Work) -> Reply:
    """Show what a job that succeeded has found out."""
    job = _job(work)
    body = result_of(work.db, job.id)
    if job.state != DONE or body is None:
        raise ProblemError(409, _why_not(work, job))
    return Reply(result_json(work, job, body))


def get_compiled_model_download(work: Work) -> Reply:
    """Sign a URL to download the target model of a job from."""
    job = _job(work)
    targets = uses_of(work.db, [job.id])[job.id].target
    if not targets:
        raise ProblemError(409, f"The job {job.id} makes no model: it is an inference job.")
    target = MODELS.get(work.db, targets[0])
    if target is None:
        raise ProblemError(404, f"The model {targets[0]} of the job {job.id} has been deleted.")
    return Reply({"url": model_download(work, target)})


def list_artifacts(work: Work) -> Reply:
    """Sign URLs to download the artifacts of one type from."""
    job = _job(work)
    if work.call.params["attempt"] not in ("latest", str(job.attempt)):
        raise ProblemError(404, f"The job {job.id} has no artifacts of that attempt.")
    if job.state not in FINISHED:
        raise ProblemError(409, _why_not(work, job))
    wanted = _artifact_type(work)
    found = [each for each in artifacts_of(work.db, [job.id])[job.id] if each.type == wanted]
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
    for name, value in work.services.contract.enum("JobArtifactType").items():
        if value == number:
            return name
    raise ProblemError(404, f"There are no artifacts of the type {number}.")


def _job(work: Work) -> Job:
    return JOB.seen_by(work.db, work.viewer, work.call.params["job_id"])


def _why_not(work: Work, job: Job) -> str:
    if job.state == FAILED:
        return f"The job {job.id} failed: {reasons(work, [job])[job.id]}"
    return f"The job {job.id} has not ended yet: it is {job.state}."
