"""Jobs: looked at, renamed, cancelled."""

from qai_hub.local.access import JOB
from qai_hub.local.contract import Reply
from qai_hub.local.handlers.answers import changed
from qai_hub.local.lifecycle import Lifecycle
from qai_hub.local.states import FAILED
from qai_hub.local.store.rows import JOBS
from qai_hub.local.views.jobs import job_json
from qai_hub.local.work import Work


def get_job(work: Work) -> Reply:
    """Show a job as it is now."""
    job = JOB.seen_by(work.db, work.viewer, work.call.params["job_id"])
    return Reply(job_json(work, job))


def update_job(work: Work) -> Reply:
    """Rename a job."""
    job = JOB.changed_by(work.db, work.viewer, work.call.params["job_id"])
    if "name" in work.call.body:
        JOBS.change(work.db, job.id, name=work.call.body["name"])
    return changed(job.id, job.created)


def cancel_job(work: Work) -> Reply:
    """End a job that has not ended, and all that waits for its model; tell how it stands."""
    job = JOB.changed_by(work.db, work.viewer, work.call.params["job_id"])
    services = work.services
    lifecycle = Lifecycle(services.storage, services.clock)
    ended = lifecycle.cancel(work.db, job, work.viewer.email)
    work.after.append(lambda: services.cancelled(ended))
    return changed(job.id, job.created, status=FAILED if ended else job.state)
