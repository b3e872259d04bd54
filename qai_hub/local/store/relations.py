"""What a job works on and makes, what it left behind, and which jobs hang on which."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, exists, insert, select

from qai_hub.local.store.records import Artifact, Model
from qai_hub.local.store.rows import MODELS
from qai_hub.local.store.tables import artifacts, files, jobs, models, results, uses

Role = Literal["input", "target", "dataset", "output"]

_USES = (
    select(uses.c.job_id, uses.c.role, uses.c.object_id)
    .where(uses.c.job_id.in_(bindparam("ids", expanding=True)))
    .order_by(uses.c.position)
)
_ARTIFACTS = select(
    artifacts.c.job_id, artifacts.c.type, artifacts.c.name, artifacts.c.file_id
).where(artifacts.c.job_id.in_(bindparam("ids", expanding=True)))


@dataclass(slots=True)
class Uses:
    """The models and datasets of one job, by role; several only where it links models."""

    input: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    dataset: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        """Its models, those that it works on first."""
        return self.input + self.target

    @property
    def datasets(self) -> list[str]:
        """Its datasets, the one that it works on first."""
        return self.dataset + self.output


def add_uses(db: Connection, job_id: str, role: Role, ids: Sequence[str]) -> None:
    """Say that a job works on, or makes, models or datasets."""
    for position, object_id in enumerate(ids):
        db.execute(
            insert(uses),
            {"job_id": job_id, "role": role, "position": position, "object_id": object_id},
        )


def uses_of(db: Connection, job_ids: Iterable[str]) -> defaultdict[str, Uses]:
    """Return the models and datasets of jobs, by job."""
    found: defaultdict[str, Uses] = defaultdict(Uses)
    for job_id, role, object_id in db.execute(_USES, {"ids": list(job_ids)}):
        getattr(found[job_id], role).append(object_id)
    return found


def ready_jobs(db: Connection, state: str, limit: int) -> list[str]:
    """Return jobs in a state whose input models are all there, oldest first."""
    missing = exists().where(
        uses.c.job_id == jobs.c.id,
        uses.c.role == "input",
        models.c.id == uses.c.object_id,
        models.c.file_id.is_(None),
    )
    query = select(jobs.c.id).where(jobs.c.state == state, ~missing).order_by(jobs.c.seq)
    return list(db.execute(query.limit(limit)).scalars())


def waiting_for(db: Connection, model_ids: Sequence[str], state: str) -> list[str]:
    """Return the jobs in a state that are to work on one of the models."""
    query = (
        select(uses.c.job_id)
        .join(jobs, jobs.c.id == uses.c.job_id)
        .where(uses.c.object_id.in_(model_ids), uses.c.role == "input", jobs.c.state == state)
    )
    return list(db.execute(query.distinct()).scalars())


def origin_of(db: Connection, sha256: str) -> Model | None:
    """Return the latest model with a known provenance whose file has a digest, whoever owns it."""
    query = (
        select(models.c.id)
        .join(files, files.c.id == models.c.file_id)
        .where(files.c.sha256 == sha256, models.c.provenance.is_not(None))
        .order_by(models.c.seq.desc())
        .limit(1)
    )
    found = db.execute(query).scalar_one_or_none()
    return None if found is None else MODELS.get(db, found)


def add_result(db: Connection, job_id: str, body: dict[str, Any]) -> None:
    """Keep what a job has found out."""
    db.execute(insert(results), {"job_id": job_id, "body": body})


def result_of(db: Connection, job_id: str) -> dict[str, Any] | None:
    """Return what a job has found out."""
    query = select(results.c.body).where(results.c.job_id == job_id)
    body: dict[str, Any] | None = db.execute(query).scalar_one_or_none()
    return body


def add_artifact(db: Connection, artifact: Artifact) -> None:
    """Keep a file of a job beside its result."""
    db.execute(insert(artifacts), asdict(artifact))


def artifacts_of(db: Connection, job_ids: Iterable[str]) -> defaultdict[str, list[Artifact]]:
    """Return the artifacts of jobs, by job."""
    found: defaultdict[str, list[Artifact]] = defaultdict(list)
    for row in db.execute(_ARTIFACTS, {"ids": list(job_ids)}):
        found[row.job_id].append(Artifact(*row))
    return found
