"""What users store: the sizes of the files of which they are the owner, in a counter for each.

The counter changes in the transaction that adds, deletes or passes on a file, so it is always their
sum.
"""

from collections import Counter, defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, bindparam, func, select, union, update

from qai_hub.local.store.schema import artifacts, datasets, files, jobs, models, uploads, users

# Building a statement takes longer than running it.
_COUNT = (
    update(users)
    .where(users.c.id == bindparam("owner"))
    .values(stored=users.c.stored + bindparam("added"))
)


def pass_on(db: Connection, file_ids: Collection[str], sizes: Counter[int | None]) -> None:
    """Have files that their owners no longer need count for others who do."""
    if not file_ids:
        return
    in_use = union(
        *(
            select(column.label("file_id"), column.table.c.owner_id).where(column.in_(file_ids))
            for column in (models.c.file_id, models.c.source_id, datasets.c.file_id)
        ),
        select(artifacts.c.file_id, jobs.c.owner_id)
        .join(jobs, jobs.c.id == artifacts.c.job_id)
        .where(artifacts.c.file_id.in_(file_ids)),
    )
    needed_by = defaultdict[str, set[int]](set)
    for file_id, owner_id in db.execute(in_use):
        needed_by[file_id].add(owner_id)
    found = select(files.c.id, files.c.owner_id, files.c.size).where(files.c.id.in_(needed_by))
    for row in db.execute(found).all():
        if row.owner_id is None or row.owner_id in needed_by[row.id]:
            continue
        heir = min(needed_by[row.id])
        db.execute(update(files).where(files.c.id == row.id).values(owner_id=heir))
        sizes[row.owner_id] -= row.size
        sizes[heir] += row.size


def count_stored(db: Connection, sizes: Counter[int | None]) -> None:
    """Add to the sizes in bytes of what users store."""
    # Sorted, so that no two transactions wait for each other.
    for owner_id, size in sorted((key, size) for key, size in sizes.items() if key is not None):
        db.execute(_COUNT, {"owner": owner_id, "added": size})


def get_stored(db: Connection, owner_id: int) -> int:
    """Return the size in bytes of the files that count for a user."""
    stored: int = db.execute(select(users.c.stored).where(users.c.id == owner_id)).scalar_one()
    return stored


def get_pending(db: Connection, owner_id: int, since: str, *, other_than: str = "") -> int:
    """Return the size in bytes that unfinished uploads of a user will have, as far as it is known.

    Args:
        db: The transaction.
        owner_id: The user.
        since: The time after which they began.
        other_than: A model or dataset whose uploads are left out. Of several for the same one, only
            one can be finished.
    """
    of_one = (
        select(func.max(uploads.c.size).label("size"))
        .where(
            uploads.c.owner_id == owner_id,
            uploads.c.created > since,
            uploads.c.object_id != other_than,
        )
        .group_by(uploads.c.object_id)
        .subquery()
    )
    # PostgreSQL's sums of integers are decimals.
    return int(db.execute(select(func.coalesce(func.sum(of_one.c.size), 0))).scalar_one())
