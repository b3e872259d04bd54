"""The data folder: a hub uses only a folder that is empty or marked as a hub's."""

import hashlib
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, select

from qai_hub.local.clock import rfc3339
from qai_hub.local.disk import make_folder, sync
from qai_hub.local.store.database import DatabaseError
from qai_hub.local.store.dialect import insert_or_ignore, upsert
from qai_hub.local.store.schema import settings

DATABASE = "hub.db"
MARKER = "QAI_HUB_DATA.txt"
SHARED_MARKER = "QAI_HUB_DATABASE.txt"
_EXPLANATION = """\
This folder is the data folder of a local hub (qai-hub serve), which recognizes it by the name of
this file. The hub creates, moves and deletes files here: keep nothing else in this folder.
"""
_SHARED_EXPLANATION = """\
The files of this folder belong to a database on PostgreSQL, whose processes recognize it by this:
{key}
"""
# Tables that identify a database as a hub's, also that of a release that left no mark.
_TABLES = frozenset({"settings", "users", "files", "models", "datasets", "jobs", "uploads"})
# Maximum size in bytes of a database whose tables are still in the journal alone: one page, the
# largest that SQLite allows.
_MAX_SIZE_WITHOUT_TABLES = 1 << 16
_MAX_LISTED = 3
_IN_BUCKET = "The files of this database are in a bucket"
FOLDER_CLAIM = "data_folder"
"""The setting of a database whose files are in a folder that is marked."""
BUCKET_CLAIM = "bucket"
"""The setting of a database whose files are in a bucket that is marked."""


class DataFolderError(DatabaseError):
    """The data folder cannot be used: it is in use, written by a newer hub, or damaged."""


class FolderInUseError(DataFolderError):
    """Another hub uses the data folder."""


def claim_folder(folder: Path, *, durable: bool) -> None:
    """Check that a folder is a hub's data folder, or turn it into one if possible.

    A folder that does not exist or is empty becomes one. So does the folder of a release that left
    no mark. The mark is written first, so that an interrupted start can be repeated.

    Args:
        folder: The folder.
        durable: Whether it must survive a power cut.

    Raises:
        DataFolderError: It belongs to something else. Nothing was changed.
        OSError: It cannot be created or written.
    """
    if not _has_marker(folder):
        make_folder(folder, durable=durable)
        _write_marker(folder / MARKER, durable=durable)
    _check_journal(folder)
    _check_database(folder / DATABASE)


def claim_shared_folder(db: Connection, folder: Path, secret: bytes) -> None:
    """Check that a folder is the one that the files of a database are in, or make it that.

    The first process of the database makes it that. The mark is written before the database knows,
    so that an interrupted start can be repeated.

    Args:
        db: A writing transaction of the database, which is on PostgreSQL.
        folder: The folder, which is a hub's data folder.
        secret: The database's secret, from which the mark is derived.

    Raises:
        DataFolderError: It belongs to another database, or the database's files are elsewhere.
        OSError: It cannot be written.
    """
    key = database_key(secret)
    if not has_files_of(folder, secret):
        claims = read_claims(db)
        if BUCKET_CLAIM in claims:
            raise DataFolderError(f"{_IN_BUCKET}: name it by --files.")
        if FOLDER_CLAIM in claims:
            raise DataFolderError(
                f"{folder} does not have the files of this database: there is no {SHARED_MARKER}. "
                "Use the folder that its other processes use, which this machine must share."
            )
        _write_new(folder / SHARED_MARKER, _SHARED_EXPLANATION.format(key=key))
        sync(folder / SHARED_MARKER)
        sync(folder)
    insert_or_ignore(db, settings, name=FOLDER_CLAIM, value=key)


def read_claims(db: Connection) -> dict[str, str]:
    """Return the settings that tell where the files of a database are."""
    query = select(settings).where(settings.c.name.in_((FOLDER_CLAIM, BUCKET_CLAIM)))
    return {row.name: row.value for row in db.execute(query)}


def require_files_of(db: Connection, folder: Path, secret: bytes) -> None:
    """Check that a folder is the one that the files of a database on PostgreSQL are in.

    Raises:
        DataFolderError: It is not.
    """
    if BUCKET_CLAIM in read_claims(db):
        raise DataFolderError(
            f"{_IN_BUCKET}, which has tools of its own for this: see docs/team-files.md."
        )
    if not has_files_of(folder, secret):
        raise DataFolderError(f"{folder} does not have the files of this database.")


def has_files_of(folder: Path, secret: bytes) -> bool:
    """Return whether a folder has the files of a database on PostgreSQL, or of none yet.

    Args:
        folder: The folder.
        secret: The database's secret.

    Raises:
        DataFolderError: It has those of another database.
    """
    if (folder / DATABASE).exists():
        raise DataFolderError(
            f"{folder} has a database of its own, {DATABASE}, and the files of that: use another "
            "folder. `qai-hub admin migrate --from-data-dir` copies both."
        )
    try:
        text = (folder / SHARED_MARKER).read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    if database_key(secret) not in text.split():
        raise DataFolderError(f"{folder} has the files of another database: use another one.")
    return True


def refuse_shared_folder(folder: Path) -> None:
    """Check that a folder's files do not belong to a database on PostgreSQL.

    Raises:
        DataFolderError: They do, so that a database in the folder would not know them.
    """
    if (folder / SHARED_MARKER).exists():
        raise DataFolderError(
            f"{folder} has the files of a database on PostgreSQL: name that by --database."
        )


def database_key(secret: bytes) -> str:
    """Return what identifies a database on PostgreSQL, and is not secret."""
    return hashlib.sha256(b"data folder\0" + secret).hexdigest()[:32]


def is_hub_folder(folder: Path) -> bool:
    """Return whether a folder contains a hub's database, without leaving a trace in it."""
    database = folder / DATABASE
    return database.is_file() and (_is_file(folder / MARKER) or _is_hub_database(database))


def _has_marker(folder: Path) -> bool:
    """Return whether a folder has the mark; if not, check that it may get one."""
    names = _list_names(folder)
    if MARKER in names:
        if not _is_file(folder / MARKER):
            raise DataFolderError(f"{folder / MARKER} must be a file: use another data folder.")
        return True
    if names and not (DATABASE in names and _is_hub_database(folder / DATABASE)):
        listed = ", ".join(names[:_MAX_LISTED]) + (" and more" if len(names) > _MAX_LISTED else "")
        raise DataFolderError(
            f"{folder} is not a hub's data folder, and not empty: it contains {listed}, but no "
            f"{MARKER}. Nothing was changed. Use an empty or a new folder."
        )
    return False


def _list_names(folder: Path) -> list[str]:
    """Return the sorted names in a folder; none if the folder does not exist."""
    if folder.is_symlink() and not folder.exists():
        raise DataFolderError(f"{folder} is a broken link: use another data folder.")
    try:
        names = sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []
    except NotADirectoryError:
        raise DataFolderError(f"{folder} is not a folder: use another data folder.") from None
    except PermissionError as error:
        problem = f"{folder} cannot be read: {error.strerror}. Use another data folder."
        raise DataFolderError(problem) from error
    # The root of a new file system contains it from the beginning.
    return [] if names == ["lost+found"] and (folder / names[0]).is_dir() else names


def _write_marker(marker: Path, *, durable: bool) -> None:
    with suppress(FileExistsError):
        _write_new(marker, _EXPLANATION)
    if durable:
        sync(marker)
        sync(marker.parent)


def _write_new(path: Path, text: str) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")


def _check_journal(folder: Path) -> None:
    """Refuse to create a database beside the journal of another, which SQLite would delete."""
    database, journal = folder / DATABASE, folder / f"{DATABASE}-wal"
    if _size(database) == 0 and _size(journal) > 0:
        raise DataFolderError(
            f"{journal} exists, but {database} is missing or empty: the journal contains the "
            "latest changes of that database. Restore the database, or move the journal away."
        )


def _check_database(database: Path) -> None:
    """Refuse the database of another program, to which a hub would add its tables."""
    if (
        _is_file(database)
        and _read_table_names(_read_only_uri(database))
        and not _is_hub_database(database)
    ):
        raise DataFolderError(
            f"{database} is not a hub's database. Nothing was changed. Replace it with the hub's "
            "own, or move it away."
        )


def _is_hub_database(database: Path) -> bool:
    """Return whether a database is a hub's, without leaving a trace in its folder."""
    if not _is_file(database):
        return False
    if _has_hub_tables(_read_only_uri(database)):
        return True
    journal = database.with_name(f"{database.name}-wal")
    if _size(database) > _MAX_SIZE_WITHOUT_TABLES or not _is_file(journal):
        return False
    # If a hub was killed soon after its first start, its tables are still in the journal.
    with tempfile.TemporaryDirectory(prefix="qai-hub-") as name:
        for each in (database, journal):
            shutil.copy(each, name)
        return _has_hub_tables(Path(name, database.name).as_uri())


def _read_only_uri(database: Path) -> str:
    """Return a URI that opens a database without reading or creating a journal beside it."""
    return f"{database.absolute().as_uri()}?mode=ro&immutable=1"


def _has_hub_tables(uri: str) -> bool:
    if not _read_table_names(uri) >= _TABLES:
        return False
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            query = "SELECT 1 FROM settings WHERE name = 'schema_version'"
            return db.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False


def _read_table_names(uri: str) -> set[str]:
    """Return the names of tables in a database; none if it cannot be read."""
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            return {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return set()


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


_TIME_SETTINGS = ("last_start", "agreed_time")


def get_start_times(db: Connection) -> list[datetime]:
    """Return the clock of the last start and the time agreed on then, as far as they exist."""
    query = select(settings).where(settings.c.name.in_(_TIME_SETTINGS))
    return [datetime.fromisoformat(row.value) for row in db.execute(query)]


def save_start_times(db: Connection, now: datetime, agreed: datetime | None) -> None:
    """Store the clock of this start, and the time that it agreed on with earlier ones."""
    values: Mapping[str, datetime | None] = dict(zip(_TIME_SETTINGS, (now, agreed), strict=True))
    for name, moment in values.items():
        if moment is not None:
            upsert(db, settings, "value", name=name, value=rfc3339(moment))
