"""Users and their projects, their accounts, and what is shared with them."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    cast,
    delete,
    insert,
    or_,
    select,
    union,
    union_all,
    update,
)

from qai_hub.local.store.dialect import insert_or_ignore
from qai_hub.local.store.records import Account, User, UserLimits
from qai_hub.local.store.rows import insert_with_new_id
from qai_hub.local.store.schema import (
    datasets,
    jobs,
    models,
    projects,
    settings,
    shares,
    tokens,
    users,
    uses,
)

_EMAIL = re.compile(r"[^@\s,]{1,64}@[^@\s,=]{1,189}")
_USERS = select(
    users.c.id, users.c.email, projects.c.id.label("project_id"), projects.c.slug
).join_from(users, projects, projects.c.owner_id == users.c.id)
_VERSION = "users_version"
_USERS_VERSION = select(settings.c.value).where(settings.c.name == _VERSION)


def normalize_email(email: str) -> str:
    """Return an e-mail address as it is stored and compared.

    Args:
        email: The address as it was entered.

    Returns:
        The address without surrounding blanks, in lower case.

    Raises:
        ValueError: It is not an e-mail address.
    """
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        # As in a file of users, a token may stand there.
        written, equals, _ = email.partition("=")
        shown = f"{written}=…" if equals else email
        raise ValueError(f"{shown!r} is not an e-mail address")
    return address


def ensure_user(db: Connection, email: str) -> User:
    """Return the user with a normalized address; a new user is created with a project."""
    if insert_or_ignore(db, users, email=email):
        user_id = db.execute(select(users.c.id).where(users.c.email == email)).scalar_one()
        insert_with_new_id(db, projects, "p", owner_id=user_id, slug="default")
    return User(*db.execute(_USERS.where(users.c.email == email)).one())


def get_user(db: Connection, user_id: int) -> User:
    """Return the user with a number."""
    return User(*db.execute(_USERS.where(users.c.id == user_id)).one())


def get_users(db: Connection) -> list[User]:
    """Return all users, in the order in which they were added."""
    return [User(*row) for row in db.execute(_USERS.order_by(users.c.id))]


def read_accounts(db: Connection) -> dict[str, Account]:
    """Return all accounts by address, in the order in which the users were added."""
    digests: defaultdict[int, set[str]] = defaultdict(set)
    for row in db.execute(select(tokens)):
        digests[row.user_id].add(row.digest)
    return {
        row.email: Account(
            row.email,
            row.origin,
            row.active,
            frozenset(digests[row.id]),
            row.priority,
            UserLimits(row.max_queued_jobs, row.max_storage, row.max_creations),
        )
        for row in db.execute(select(users).order_by(users.c.id))
    }


def write_accounts(db: Connection, accounts: Mapping[str, Account]) -> None:
    """Store changed accounts, and increase the version that other processes watch.

    Args:
        db: The writing transaction in which they were read.
        accounts: All accounts; no two users have the same token.
    """
    before = read_accounts(db)
    changed = [account for account in accounts.values() if before.get(account.email) != account]
    if not changed:
        return
    ids = {account.email: ensure_user(db, account.email).id for account in changed}
    # Delete all before adding any, as a token may pass from one user to another.
    for account in changed:
        db.execute(delete(tokens).where(tokens.c.user_id == ids[account.email]))
    for account in changed:
        values = {
            "origin": account.origin,
            "active": account.active,
            "priority": account.priority,
            "max_queued_jobs": account.limits.queued_jobs,
            "max_storage": account.limits.storage,
            "max_creations": account.limits.creations,
        }
        db.execute(update(users).where(users.c.id == ids[account.email]).values(values))
        for digest in sorted(account.tokens):
            db.execute(insert(tokens).values(digest=digest, user_id=ids[account.email]))
    insert_or_ignore(db, settings, name=_VERSION, value="0")
    # Incremented by the database, so that concurrent changes both count.
    incremented = cast(cast(settings.c.value, Integer) + 1, String)
    db.execute(update(settings).where(settings.c.name == _VERSION).values(value=incremented))


def get_users_version(db: Connection) -> int:
    """Return a number that grows with each change of accounts, whichever process makes it."""
    found: str | None = db.execute(_USERS_VERSION).scalar_one_or_none()
    return int(found or 0)


def get_rate_due(db: Connection, user_id: int) -> int:
    """Return when a user will have used up none of their rate, in microseconds."""
    due: int = db.execute(select(users.c.rate_due).where(users.c.id == user_id)).scalar_one()
    return due


def set_rate_due(db: Connection, user_id: int, due: int) -> None:
    """Store when a user will have used up none of their rate, in microseconds."""
    db.execute(update(users).where(users.c.id == user_id).values(rate_due=due))


def token_digest(token: str) -> str:
    """Return the digest of a token that is stored: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


_OWNED = (models, datasets, jobs)
# Objects in one query: SQLite limits the number of its parameters.
_BATCH_SIZE = 500


def get_shared_emails(db: Connection, object_id: str) -> list[str]:
    """Return the addresses that an object is shared with, in the order they were added."""
    query = select(shares.c.email).where(shares.c.object_id == object_id).order_by(shares.c.seq)
    return list(db.execute(query).scalars())


def share(db: Connection, object_id: str, emails: Sequence[str]) -> None:
    """Share an object with normalized addresses; existing shares are kept."""
    for email in emails:
        insert_or_ignore(db, shares, object_id=object_id, email=email)


def unshare(db: Connection, object_id: str, emails: Sequence[str] | None = None) -> None:
    """Stop sharing an object with normalized addresses, or with everybody."""
    statement = delete(shares).where(shares.c.object_id == object_id)
    if emails is not None:
        statement = statement.where(shares.c.email.in_(emails))
    db.execute(statement)


def find_accessible(
    db: Connection,
    email: str,
    object_ids: Iterable[str],
    *,
    producer_kinds: Sequence[str],
    runner_kinds: Sequence[str],
) -> set[str]:
    """Return which objects are open to a user who does not own them.

    Objects that are shared with the user directly are open. So are the models and datasets of a job
    that is open to them, and the compile and link jobs behind the model of an inference or profile
    job that is shared with them, any number of steps back. Only an owner can grant rights: a share
    opens nothing that belongs to another user.

    None of this is stored: withdrawing a share closes everything that no other share opens.

    Args:
        db: The transaction.
        email: The user's normalized address.
        object_ids: Jobs, models or datasets.
        producer_kinds: The job types that are shared along with a job that runs their models.
        runner_kinds: The job types that run models, and share the jobs behind them.

    Returns:
        The objects that the user may see.
    """
    found: set[str] = set()
    for batch in _batches(object_ids):
        found |= {*db.execute(_SHARED_DIRECTLY, {"email": email, "ids": batch}).scalars()}
        # The walk for the others takes longer the more jobs use them.
        ids = [key for key in batch if key not in found]
        if not ids:
            continue
        wanted = {
            "email": email,
            "ids": ids,
            "producer_kinds": producer_kinds,
            "runner_kinds": runner_kinds,
        }
        found |= {*db.execute(_ACCESSIBLE, wanted).scalars()}
    return found


def _batches(object_ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(object_ids)
    while batch := list(islice(remaining, _BATCH_SIZE)):
        yield batch


def _accessible_query() -> Select[tuple[str]]:
    """Return the query that walks from each object to its shares, through its owner's jobs only."""
    wanted: BindParameter[list[str]] = bindparam("ids", expanding=True)
    producer_kinds: BindParameter[list[str]] = bindparam("producer_kinds", expanding=True)
    runner_kinds: BindParameter[list[str]] = bindparam("runner_kinds", expanding=True)
    resources = union_all(
        *(select(table.c.id, table.c.owner_id).where(table.c.id.in_(wanted)) for table in _OWNED)
    ).cte("resources")
    direct = union(
        select(resources.c.id, jobs.c.id.label("job_id"), jobs.c.owner_id).join(
            jobs, jobs.c.id == resources.c.id
        ),
        select(resources.c.id, uses.c.job_id, jobs.c.owner_id)
        .join(uses, uses.c.object_id == resources.c.id)
        .join(jobs, and_(jobs.c.id == uses.c.job_id, jobs.c.owner_id == resources.c.owner_id)),
    ).cte("direct")
    chain = select(direct).cte("chain", recursive=True)
    producer, consumer = jobs.alias("producer"), jobs.alias("consumer")
    target, model_input = uses.alias("target"), uses.alias("model_input")
    chain = chain.union(
        select(chain.c.id, consumer.c.id, chain.c.owner_id)
        .select_from(chain)
        .join(producer, and_(producer.c.id == chain.c.job_id, producer.c.kind.in_(producer_kinds)))
        .join(target, and_(target.c.job_id == producer.c.id, target.c.role == "target"))
        .join(
            model_input,
            and_(model_input.c.object_id == target.c.object_id, model_input.c.role == "input"),
        )
        .join(
            consumer,
            and_(consumer.c.id == model_input.c.job_id, consumer.c.owner_id == chain.c.owner_id),
        )
        .where(or_(consumer.c.kind.in_(producer_kinds), consumer.c.kind.in_(runner_kinds)))
    )
    runners = select(chain.c.id, chain.c.job_id).join(
        jobs, and_(jobs.c.id == chain.c.job_id, jobs.c.kind.in_(runner_kinds))
    )
    grants = union(
        select(resources.c.id, resources.c.id.label("shared_id")),
        select(direct.c.id, direct.c.job_id),
        runners,
    ).subquery("grants")
    shared = and_(shares.c.object_id == grants.c.shared_id, shares.c.email == bindparam("email"))
    return select(grants.c.id).join(shares, shared).distinct()


_ACCESSIBLE = _accessible_query()
_SHARED_DIRECTLY = select(shares.c.object_id).where(
    shares.c.email == bindparam("email"),
    shares.c.object_id.in_(bindparam("ids", expanding=True)),
)
