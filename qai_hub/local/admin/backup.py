"""Backups of a hub: a folder with the rows of each table as lines of JSON, and the files.

Its file `backup.json` is written last: a folder without it is no backup.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from qai_hub._version import __version__
from qai_hub.local.admin.files import CopiedFiles, copy_files
from qai_hub.local.admin.loading import ReadRows, load_tables, require_empty
from qai_hub.local.clock import now, rfc3339
from qai_hub.local.disk import make_folder, sync
from qai_hub.local.store import DatabaseError, DataFolderError
from qai_hub.local.store.data_folder import (
    DATABASE,
    claim_folder,
    claim_shared_folder,
    require_files_of,
)
from qai_hub.local.store.database import read_identity
from qai_hub.local.store.dialect import sqlite_engine, with_write_lock
from qai_hub.local.store.opening import open_hub, require_driver
from qai_hub.local.store.portable import (
    TABLES,
    Row,
    RowDigest,
    encode_row,
    read_counters,
    read_rows,
)
from qai_hub.local.store.schema import SCHEMA_VERSION, files

_MANIFEST = "backup.json"
_FORMAT = "qai-hub backup 1"


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What has been backed up or restored.

    Attributes:
        folder: The folder of the backup.
        rows: Rows of the database.
        files: Files.
    """

    folder: Path
    rows: int
    files: CopiedFiles


def back_up(database: str | None, data_dir: Path, folder: Path) -> BackupResult:
    """Write a consistent backup of a hub, which may be running.

    Files are written as links if both folders are on one file system.

    Args:
        database: URL of its database; None for the one in its data folder.
        data_dir: Its data folder.
        folder: The folder of the backup, which does not exist or is empty.

    Returns:
        What has been backed up. Files are missing that users have deleted meanwhile.

    Raises:
        DatabaseError: The database cannot be used, or the folder is not empty.
        OSError: The backup cannot be written.
    """
    with open_hub(database, data_dir, write=False) as db:
        if database is not None:
            require_files_of(db, data_dir, read_identity(db)[1])
        _require_new(folder)
        for each in (folder, folder / "tables", folder / "files"):
            make_folder(each, durable=True)
        tables = {table.name: _write_table(folder, table, read_rows(db, table)) for table in TABLES}
        counters = read_counters(db)
    copied = copy_files(_sizes(folder), data_dir / "files", folder / "files")
    manifest = {
        "format": _FORMAT,
        "release": __version__,
        "schema": SCHEMA_VERSION,
        "created": rfc3339(now()),
        "counters": counters,
        "tables": tables,
    }
    _write_private(folder / _MANIFEST, [json.dumps(manifest, indent=2)])
    sync(folder)
    return BackupResult(folder, sum(count for count, _ in tables.values()), copied)


def restore(folder: Path, database: str | None, data_dir: Path) -> BackupResult:
    """Make a hub of a backup, on either database system.

    Args:
        folder: The folder of the backup.
        database: URL of an empty database; None for one in the data folder.
        data_dir: A folder for the files, which does not exist or is empty.

    Returns:
        What has been restored.

    Raises:
        DatabaseError: The backup is not whole or of another release, or the database or the folder
            is not empty or cannot be used. Then the database has not been changed.
        OSError: The files cannot be written.
    """
    manifest = _read_manifest(folder)
    read, counters = partial(_read_table, folder, manifest), manifest["counters"]
    for table in TABLES:
        for _ in read(table):
            # Only to see that it is whole, before anything is changed.
            pass
    if database is not None:
        require_driver()
        from qai_hub.local.store.postgresql import open_any_database, show_url

        with open_any_database(database) as db:
            require_empty(db, show_url(database))
    _require_new(data_dir)
    claim_folder(data_dir, durable=True)
    make_folder(data_dir / "files", durable=True)
    copied = copy_files(_sizes(folder), folder / "files", data_dir / "files")
    if database is None:
        return BackupResult(folder, _load_sqlite(data_dir, read, counters), copied)
    with open_any_database(database) as db:
        require_empty(db, show_url(database))
        rows = load_tables(db, read, counters)
        claim_shared_folder(db, data_dir, read_identity(db)[1])
    return BackupResult(folder, rows, copied)


def _load_sqlite(data_dir: Path, read: ReadRows, counters: dict[str, int]) -> int:
    """Create the database in a data folder: under another name, until it is whole."""
    partial_path = data_dir / f"{DATABASE}.part"
    partial_path.touch(mode=0o600)
    engine = sqlite_engine(partial_path)
    try:
        with with_write_lock(engine).begin() as db:
            rows = load_tables(db, read, counters)
    finally:
        # The last connection moves the journal into the database.
        engine.dispose()
    partial_path.replace(data_dir / DATABASE)
    sync(data_dir)
    return rows


def _require_new(folder: Path) -> None:
    with suppress(FileNotFoundError):
        if any(folder.iterdir()):
            raise DataFolderError(f"{folder} is not empty: name a new folder.")


def _write_table(folder: Path, table: Table, rows: Iterator[Row]) -> tuple[int, str]:
    digest = RowDigest()
    _write_private(_table_path(folder, table), map(encode_row, digest.passing(rows)))
    return digest.summary()


def _write_private(path: Path, lines: Iterable[str]) -> None:
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    sync(path)


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        kind, schema, release = (manifest[name] for name in ("format", "schema", "release"))
    except FileNotFoundError as error:
        raise DataFolderError(
            f"{folder} is not a backup, or an incomplete one: it has no {_MANIFEST}."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataFolderError(f"{folder / _MANIFEST} is damaged.") from error
    if (kind, schema) != (_FORMAT, SCHEMA_VERSION):
        raise DataFolderError(
            f"{folder} was written by the release {release}: restore it with that one, and let "
            "this one upgrade the result."
        )
    found: dict[str, Any] = manifest
    return found


def _read_table(folder: Path, manifest: dict[str, Any], table: Table) -> Iterator[Row]:
    """Yield the rows of a table in a backup.

    Raises:
        DatabaseError: They are not all there, or have changed.
    """
    digest = RowDigest()
    path = _table_path(folder, table)
    try:
        with path.open(encoding="utf-8") as file:
            yield from digest.passing(map(json.loads, file))
    except (FileNotFoundError, ValueError) as error:
        raise DatabaseError(f"{path} is missing or damaged: nothing was restored.") from error
    if list(digest.summary()) != manifest["tables"].get(table.name):
        raise DatabaseError(f"{path} is damaged: nothing was restored.")


def _sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the names and sizes of the files that a backup is to have."""
    names = [column.name for column in files.c]
    key, size = names.index("id"), names.index("size")
    with _table_path(folder, files).open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            yield row[key], row[size]


def _table_path(folder: Path, table: Table) -> Path:
    return folder / "tables" / f"{table.name}.jsonl"
