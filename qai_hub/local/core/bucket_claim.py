"""Whose files a bucket has: an object in it tells, and a setting of the database has its mark.

So two databases do not share a prefix, of which each would take the other's files for its own, and
the processes of a database do not look for its files in different places.
"""

import secrets
from collections.abc import Mapping

from qai_hub.local.files.bucket import Bucket
from qai_hub.local.store import DatabaseError, Store
from qai_hub.local.store.data_folder import (
    BUCKET_CLAIM,
    FOLDER_CLAIM,
    SHARED_MARKER,
    database_key,
    read_claims,
)
from qai_hub.local.store.dialect import insert_or_ignore
from qai_hub.local.store.schema import settings

_EXPLANATION = """\
The files below this prefix belong to a database on PostgreSQL, whose processes know it by this:
{key} {mark}
"""


def claim_bucket(store: Store, bucket: Bucket) -> None:
    """Check that a bucket is the one that the files of a database are in, or make it that.

    The first process of the database makes it that. The object is written before the database
    knows, so that an interrupted start can be repeated.

    Args:
        store: The database.
        bucket: The bucket, and the prefix.

    Raises:
        DatabaseError: It belongs to another database, or the database's files are elsewhere.
        FilesUnavailableError: It cannot be read or written.
    """
    with store.read() as db:
        claims = read_claims(db)
    text = bucket.read_text(SHARED_MARKER)
    if text is None:
        _check(claims, bucket, None)
        mark = secrets.token_hex(16)
        content = _EXPLANATION.format(key=database_key(store.secret), mark=mark)
        # Another process may have been first.
        text = bucket.write_new_text(SHARED_MARKER, content)
    key, mark = (["", "", *text.split()])[-2:]
    if key != database_key(store.secret):
        raise DatabaseError(
            f"{bucket} has the files of another database: use another bucket or prefix."
        )
    with store.write() as db:
        if FOLDER_CLAIM not in read_claims(db):
            insert_or_ignore(db, settings, name=BUCKET_CLAIM, value=mark)
        claims = read_claims(db)
    _check(claims, bucket, mark)


def _check(claims: Mapping[str, str], bucket: Bucket, mark: str | None) -> None:
    if FOLDER_CLAIM in claims:
        raise DatabaseError(
            f"The files of this database are in a data folder, not in {bucket}: name that folder "
            "by --data-dir, without --files."
        )
    if claims.get(BUCKET_CLAIM, mark) != mark:
        raise DatabaseError(
            f"{bucket} does not have the files of this database: its {SHARED_MARKER} is missing or "
            "another one. Use the bucket and the prefix that its other processes use."
        )
