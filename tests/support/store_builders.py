"""Rows of models, datasets and jobs for tests of the store."""

from collections.abc import Sequence

from sqlalchemy import Connection

from qai_hub.local.enums import JobState
from qai_hub.local.store.job_lists import end_jobs
from qai_hub.local.store.records import User
from qai_hub.local.store.relations import Role, add_uses
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

NOON = "2026-01-02T12:00:00.000000Z"


def add_model(db: Connection, owner: User, *, producer: str | None = None) -> str:
    return MODELS.add(
        db,
        owner_id=owner.id,
        project_id=owner.project_id,
        name="net",
        created=NOON,
        model_type="MODEL_TYPE_ONNX",
        is_directory=False,
        producer_id=producer,
    )


def add_dataset(db: Connection, owner: User, *, expires: str | None = None) -> str:
    return DATASETS.add(
        db,
        owner_id=owner.id,
        project_id=owner.project_id,
        name="images",
        created=NOON,
        expires=expires,
    )


def add_job(
    db: Connection,
    owner: User,
    kind: str = "compile",
    *,
    state: str = "JOB_STATE_CREATED",
    **roles: Sequence[str],
) -> str:
    """Add a job; each role names the models or datasets that it has in it."""
    is_final = state in (JobState.DONE, JobState.FAILED)
    inputs = MODELS.get_many(db, roles.get("input", ())).values()
    key = JOBS.add(
        db,
        owner_id=owner.id,
        project_id=owner.project_id,
        name="work",
        created=NOON,
        kind=kind,
        options="",
        state=JobState.CREATED if is_final else state,
        updated=NOON,
        attempt=0,
        losses=0,
        failure_type="JOB_FAILURE_TYPE_UNSPECIFIED",
        ready=all(model.file_id is not None for model in inputs),
    )
    if is_final:
        end_jobs(db, [key], state=state)
    names: tuple[Role, ...] = ("input", "target", "dataset", "output")
    for role in names:
        add_uses(db, key, role, roles.get(role, ()))
    return key
