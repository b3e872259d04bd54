"""Relations of jobs: the models and datasets that they use, results, artifacts, dependencies."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import islice
from typing import Any, Literal, NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    union_all,
    update,
)

from qai_hub.local.store.dialect import Text
from qai_hub.local.store.records import Artifact, Model
from qai_hub.local.store.rows import MODELS
from qai_hub.local.store.schema import artifacts, files, jobs, models, results, users, uses

Role = Literal["input", "target", "dataset", "output"]

_USES = (
    select(uses.c.job_id, uses.c.role, uses.c.object_id)
    .where(uses.c.job_id.in_(bindparam("ids", expanding=True)))
    .order_by(uses.c.position)
)
_JOB_OF_USE = jobs.c.id == bindparam("job")
_ADD_USE = insert(uses).values(
    job_id=bindparam("job"),
    role=bindparam("role"),
    position=bindparam("position"),
    object_id=bindparam("object_id"),
    seq=select(jobs.c.seq).where(_JOB_OF_USE).scalar_subquery(),
    owner_id=select(jobs.c.owner_id).where(_JOB_OF_USE).scalar_subquery(),
)
_ARTIFACTS = select(
    artifacts.c.job_id, artifacts.c.type, artifacts.c.name, artifacts.c.file_id
).where(artifacts.c.job_id.in_(bindparam("ids", expanding=True)))


@dataclass(slots=True)
class Uses:
    """The models and datasets of one job, by role; several only if it links models."""

    input: list[str] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    dataset: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)

    @property
    def models(self) -> list[str]:
        """Its models, with input models first."""
        return self.input + self.target

    @property
    def datasets(self) -> list[str]:
        """Its datasets, with the input dataset first."""
        return self.dataset + self.output


def add_uses(db: Connection, job_id: str, role: Role, ids: Sequence[str]) -> None:
    """Record that a job, which is stored already, uses or makes models or datasets."""
    for position, object_id in enumerate(ids):
        db.execute(
            _ADD_USE,
            {"job": job_id, "role": role, "position": position, "object_id": object_id},
        )


def get_uses(db: Connection, job_ids: Iterable[str]) -> defaultdict[str, Uses]:
    """Return the models and datasets of jobs, by job."""
    found: defaultdict[str, Uses] = defaultdict(Uses)
    for job_id, role, object_id in db.execute(_USES, {"ids": list(job_ids)}):
        getattr(found[job_id], role).append(object_id)
    return found


class InputFacts(NamedTuple):
    """What the needs of a job depend on, of one of its inputs.

    Attributes:
        model_type: The format of a model; None for one that is yet to be made, and for a dataset.
        size: In bytes; None if the file is not there yet.
        producer_needs: What the job that makes it needs; None if it was uploaded.
    """

    model_type: str | None
    size: int | None
    producer_needs: str | None = None


def get_input_facts(db: Connection, model_ids: Sequence[str]) -> list[InputFacts]:
    """Return what the needs of a job with some input models depend on."""
    return [InputFacts(*row) for row in db.execute(_INPUT_FACTS, {"ids": model_ids})]


_INPUT_FACTS = (
    select(models.c.model_type, files.c.size, jobs.c.needs)
    .select_from(models)
    .outerjoin(files, files.c.id == models.c.file_id)
    .outerjoin(jobs, jobs.c.id == models.c.producer_id)
    .where(models.c.id.in_(bindparam("ids", expanding=True)))
)


class ReadyJob(NamedTuple):
    """The job of a user that comes first.

    Attributes:
        owner_id: The user.
        job_id: The job.
        seq: Its position by age.
        turn: When the user was last served, as an increasing number.
        priority: The user's.
    """

    owner_id: int
    job_id: str
    seq: int
    turn: int
    priority: int


def first_ready_jobs(db: Connection, state: str, needs: Collection[str]) -> list[ReadyJob]:
    """Return each user's oldest job that is in a state and has its input models.

    This costs one index lookup per user, and one per need of those who have such jobs, however many
    they have.

    Args:
        db: The transaction.
        state: The state.
        needs: What the job may need, each as it is stored.
    """
    rows = db.execute(_first_ready_jobs(tuple(needs)), {"state": state})
    # Youngest first, so that the oldest of each user is what stays.
    return list({row.owner_id: ReadyJob(*row) for row in rows}.values())


# More rows than there are.
_ALL = 2**31 - 1


# Building the query takes longer than running it.
@lru_cache(maxsize=64)
def _first_ready_jobs(needs: tuple[str, ...]) -> Select[Any]:
    # Subqueries of one row are lookups on every database. In place of a join with the jobs, or of
    # EXISTS, PostgreSQL prefers to read all jobs.
    served = union_all(*(select(literal(each, Text).label("needs")) for each in needs)).subquery()
    mine = jobs.alias("mine")
    is_ready = (
        mine.c.owner_id == users.c.id,
        mine.c.state == bindparam("state"),
        mine.c.ready.is_(True),
    )
    lookup = select(mine.c.seq).where(*is_ready).limit(1)
    oldest = lookup.where(mine.c.needs == served.c.needs).order_by(mine.c.seq)
    found = (
        select(users.c.id, oldest.scalar_subquery().label("seq"), users.c.turn, users.c.priority)
        .select_from(users)
        .join(served, true())
        .where(lookup.order_by(mine.c.needs, mine.c.seq).scalar_subquery().is_not(None))
        # So that nothing within is evaluated again without.
        .limit(_ALL)
        .subquery()
    )
    key = select(jobs.c.id).where(jobs.c.seq == found.c.seq).scalar_subquery()
    return (
        select(found.c.id.label("owner_id"), key, found.c.seq, found.c.turn, found.c.priority)
        .where(found.c.seq.is_not(None))
        .order_by(found.c.seq.desc())
    )


class QueueLength(NamedTuple):
    """How many jobs with the same needs are in a state, and when the oldest was submitted."""

    needs: str
    number: int
    oldest: str


def get_queue_lengths(db: Connection, state: str) -> list[QueueLength]:
    """Count the jobs in a state by their needs. This reads an index, and a row for each need."""
    counts = (
        select(jobs.c.needs, func.count().label("number"), func.min(jobs.c.seq).label("oldest"))
        # The owners let an index find the few that are in the state.
        .where(jobs.c.owner_id.in_(select(users.c.id)), jobs.c.state == state)
        .group_by(jobs.c.needs)
        .subquery()
    )
    query = (
        select(counts.c.needs, counts.c.number, jobs.c.created)
        .join(jobs, jobs.c.seq == counts.c.oldest)
        .order_by(counts.c.needs)
    )
    return [QueueLength(*row) for row in db.execute(query)]


def take_turn(db: Connection, owner_id: int) -> None:
    """Let all other users have their turn before this one has the next."""
    last = select(func.max(users.c.turn)).scalar_subquery()
    db.execute(update(users).where(users.c.id == owner_id).values(turn=last + 1))


def count_by_owner(db: Connection, states: Iterable[str]) -> Counter[int]:
    """Count the jobs in some states by their owner."""
    # The owners let an index find the few that are in these states.
    return _count_by_owner(db, states, jobs.c.owner_id.in_(select(users.c.id)))


def count_leased_by_owner(db: Connection, states: Iterable[str]) -> Counter[int]:
    """Count the jobs in some states that processes hold a lease on, by their owner."""
    # By the index on leases, whereas by the states PostgreSQL reads all jobs.
    return _count_by_owner(db, states, jobs.c.lease.is_not(None))


def _count_by_owner(
    db: Connection, states: Iterable[str], condition: ColumnElement[bool]
) -> Counter[int]:
    query = (
        select(jobs.c.owner_id, func.count().label("number"))
        .where(condition, jobs.c.state.in_(states))
        .group_by(jobs.c.owner_id)
    )
    return Counter({row.owner_id: row.number for row in db.execute(query)})


def count_jobs(db: Connection, owner_id: int, state: str) -> int:
    """Count the jobs of a user that are in a state."""
    query = select(func.count()).where(jobs.c.owner_id == owner_id, jobs.c.state == state)
    return db.execute(query).scalar_one()


def mark_ready(db: Connection, model_ids: Sequence[str], state: str) -> None:
    """Mark as ready those jobs in a state for which new models complete the input."""
    missing = exists().where(
        uses.c.job_id == jobs.c.id,
        uses.c.role == "input",
        models.c.id == uses.c.object_id,
        models.c.file_id.is_(None),
    )
    waiting = select(uses.c.job_id).where(uses.c.object_id.in_(model_ids), uses.c.role == "input")
    db.execute(
        update(jobs)
        .where(jobs.c.id.in_(waiting), jobs.c.state == state, ~missing)
        .values(ready=True)
    )


def find_job_using(db: Connection, object_id: str, states: Iterable[str]) -> str | None:
    """Return the oldest job in one of some states that uses or makes a model or dataset."""
    query = (
        select(jobs.c.id)
        .join(uses, uses.c.job_id == jobs.c.id)
        .where(uses.c.object_id == object_id, jobs.c.state.in_(states))
        .order_by(jobs.c.seq)
        .limit(1)
    )
    return db.execute(query).scalar_one_or_none()


def find_uses(
    db: Connection,
    object_ids: Sequence[str],
    limit: int,
    role: Role | None = None,
    *,
    owner_id: int | None = None,
    not_owner_id: int | None = None,
) -> list[tuple[str, Role]]:
    """Return the newest jobs that use or make models or datasets, the newest first.

    Args:
        db: The transaction.
        object_ids: The models or datasets.
        limit: Maximum number of uses.
        role: What the jobs do with them; None for anything.
        owner_id: Whose jobs are wanted; None for anybody's.
        not_owner_id: Whose jobs are not; None for nobody's.

    Returns:
        The jobs, and their roles.
    """
    query = (
        select(uses.c.job_id, uses.c.role, uses.c.seq)
        .where(uses.c.object_id == bindparam("key"), uses.c.role == bindparam("role"))
        .order_by(uses.c.seq.desc())
        .limit(limit)
    )
    if owner_id is not None:
        query = query.where(uses.c.owner_id == owner_id)
    if not_owner_id is not None:
        query = query.where(uses.c.owner_id != not_owner_id)
    # The index has those of each object in each role in order, and no others.
    roles = get_args(Role) if role is None else (role,)
    found = [db.execute(query, {"key": key, "role": each}) for key in object_ids for each in roles]
    newest = heapq.merge(*found, key=lambda row: row.seq, reverse=True)
    return [(row.job_id, row.role) for row in islice(newest, limit)]


def get_dependents(db: Connection, job_ids: Sequence[str], state: str) -> list[str]:
    """Return the jobs in a state that use models made by some jobs, oldest first."""
    made = uses.alias("made")
    query = (
        # Both columns, as a DISTINCT query can only be ordered by selected columns.
        select(jobs.c.id, jobs.c.seq)
        .join_from(made, uses, uses.c.object_id == made.c.object_id)
        .join(jobs, jobs.c.id == uses.c.job_id)
        .where(
            made.c.job_id.in_(job_ids),
            made.c.role == "target",
            uses.c.role == "input",
            jobs.c.state == state,
        )
        .distinct()
        .order_by(jobs.c.seq)
    )
    return list(db.execute(query).scalars())


def find_model_by_digest(db: Connection, sha256: str) -> Model | None:
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
    """Store the result of a job."""
    db.execute(insert(results), {"job_id": job_id, "body": body})


def get_job_result(db: Connection, job_id: str) -> dict[str, Any] | None:
    """Return the result of a job."""
    query = select(results.c.body).where(results.c.job_id == job_id)
    body: dict[str, Any] | None = db.execute(query).scalar_one_or_none()
    return body


def add_artifacts(db: Connection, *added: Artifact) -> None:
    """Store artifacts, of one job or of several."""
    # By name and not by `asdict`, which copies: there may be thousands.
    names = [each.name for each in fields(Artifact)]
    db.execute(insert(artifacts), [{name: getattr(one, name) for name in names} for one in added])


def replace_artifact(db: Connection, job_id: str, kind: str, file_id: str) -> None:
    """Have an artifact of a job be another file."""
    is_it = (artifacts.c.job_id == job_id, artifacts.c.type == kind)
    db.execute(update(artifacts).where(*is_it).values(file_id=file_id))


def get_artifacts(db: Connection, job_ids: Iterable[str]) -> defaultdict[str, list[Artifact]]:
    """Return the artifacts of jobs, by job."""
    found: defaultdict[str, list[Artifact]] = defaultdict(list)
    for row in db.execute(_ARTIFACTS, {"ids": list(job_ids)}):
        found[row.job_id].append(Artifact(*row))
    return found
