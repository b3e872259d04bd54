"""Upgrades the database of an older release, and moves a hub from SQLite to PostgreSQL."""

from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from qai_hub.local.admin.files import CopiedFiles, copy_file, copy_files
from qai_hub.local.admin.loading import load_tables, require_empty
from qai_hub.local.admin.processes import describe_alive, find_alive
from qai_hub.local.disk import make_folder, sync
from qai_hub.local.store import DatabaseError, DataFolderError
from qai_hub.local.store.data_folder import (
    claim_folder,
    claim_shared_folder,
    has_files_of,
    is_hub_folder,
)
from qai_hub.local.store.database import read_identity, upgrade_schema
from qai_hub.local.store.opening import require_driver
from qai_hub.local.store.portable import read_counters, read_rows
from qai_hub.local.store.schema import SCHEMA_VERSION, files, uploads
from qai_hub.local.store.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class Copied:
    """What has been copied from one hub to another.

    Attributes:
        rows: Rows of the database.
        files: Files.
    """

    rows: int
    files: CopiedFiles


def upgrade_database(url: str) -> tuple[int, int]:
    """Upgrade a database on PostgreSQL, which no process may be using.

    Args:
        url: Its URL.

    Returns:
        The version of its schema before and after.

    Raises:
        DatabaseError: Processes use it, or it cannot be used.
    """
    require_driver()
    from qai_hub.local.store.postgresql import open_any_database, read_version

    with open_any_database(url) as db:
        before = read_version(db, url)
        if before < SCHEMA_VERSION:
            alive = find_alive(db)
            if alive:
                raise DatabaseError(
                    f"{describe_alive(alive)} with the older release: stop all of them first."
                )
            upgrade_schema(db, before)
    return before, SCHEMA_VERSION


def upgrade_folder(folder: Path) -> tuple[int, int]:
    """Upgrade the database in a data folder, which no hub may be using.

    Args:
        folder: The data folder.

    Returns:
        The version of its schema before and after.

    Raises:
        DataFolderError: A hub uses it, or it is no hub's.
    """
    _require_hub(folder)
    with closing(SqliteStore(folder)) as store:
        return store.found_version, SCHEMA_VERSION


def copy_hub(source: Path, url: str, folder: Path) -> Copied:
    """Copy a hub of one process to an empty database on PostgreSQL, and a folder for its files.

    The hub stays as it was, and may not run meanwhile. Its unfinished uploads go on with the copy.

    Args:
        source: Its data folder.
        url: The database.
        folder: The folder; created if it does not exist.

    Returns:
        What has been copied.

    Raises:
        DatabaseError: The hub runs, the database or the folder is not empty or cannot be used, or
            the copy is not the same. Then the database has not been changed.
        OSError: The files cannot be copied.
    """
    require_driver()
    from qai_hub.local.store.postgresql import open_any_database, show_url

    _require_hub(source)
    with closing(SqliteStore(source)) as store:
        with open_any_database(url) as db:
            require_empty(db, show_url(url))
        claim_folder(folder, durable=True)
        has_files_of(folder, store.secret)
        with store.read() as old:
            copied = _copy_files(old, source, folder)
            with open_any_database(url) as db:
                require_empty(db, show_url(url))
                rows = load_tables(db, partial(read_rows, old), read_counters(old))
                claim_shared_folder(db, folder, read_identity(db)[1])
    return Copied(rows, copied)


def _copy_files(db: Connection, source: Path, folder: Path) -> CopiedFiles:
    """Copy published files and uploads, before a database knows of them."""
    for name in ("files", "uploads"):
        make_folder(folder / name, durable=True)
    rows = db.execute(select(files.c.id, files.c.size), execution_options={"yield_per": 1000})
    copied = copy_files(((row.id, row.size) for row in rows), source / "files", folder / "files")
    for upload_id in db.execute(select(uploads.c.id)).scalars():
        if (source / "uploads" / upload_id).exists():
            # They are still written to.
            copy_file(source / "uploads" / upload_id, folder / "uploads" / upload_id)
    sync(folder / "uploads")
    return copied


def _require_hub(folder: Path) -> None:
    if not is_hub_folder(folder):
        raise DataFolderError(f"{folder} is not the data folder of a hub of one process.")
