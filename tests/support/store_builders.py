"""Rows of models, datasets and jobs for tests of the store."""

from collections.abc import Sequence

from sqlalchemy import Connection

from qai_hub.local.enums import JobState
from qai_hub.local.store.job_lists import end_jobs
from qai_hub.local.store.records import User, new_id
from qai_hub.local.store.relations import Role, add_uses
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS

NOON = "2026-01-02T12:00:00.000000Z"


def add_model(db: Connection, owner: User, *, producer: str | None = None) -> str:
    key = new_id("m")
    MODELS.add(
        db,
        id=key,
        owner_id=owner.id,
        project_id=owner.project_id,
        name="net",
        created=NOON,
        model_type="MODEL_TYPE_ONNX",
        is_directory=False,
        producer_id=producer,
    )
    return key


def add_dataset(db: Connection, owner: User, *, expires: str | None = None) -> str:
    key = new_id("d")
    DATASETS.add(
        db,
        id=key,
        owner_id=owner.id,
        project_id=owner.project_id,
        name="images",
        created=NOON,
        expires=expires,
    )
    return key


def add_job(
    db: Connection,
    owner: User,
    kind: str = "compile",
    *,
    state: str = "JOB_STATE_CREATED",
    **roles: Sequence[str],
) -> str:
    """Add a job; each role names the models or datasets that it has in it."""
    key = new_id("j")
    is_final = state in (JobState.DONE, JobState.FAILED)
    inputs = MODELS.get_many(db, roles.get("input", ())).values()
    JOBS.add(
        db,
        id=key,
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
