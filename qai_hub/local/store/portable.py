"""The rows of a hub's database in a form that both database systems read and write.

A row is a list of its columns. Values of type JSON are texts in it, so that a missing value and a
null are told apart.
"""

import hashlib
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    String,
    Table,
    cast,
    column,
    func,
    insert,
    select,
    table,
    text,
)

from qai_hub.local.store.data_folder import BUCKET_CLAIM, FOLDER_CLAIM
from qai_hub.local.store.schema import jobs, metadata, nodes, settings

Row = list[Any]

# What processes note of themselves goes with them.
TABLES = tuple(each for each in metadata.sorted_tables if each is not nodes)
_OF_PROCESSES = {jobs.name: frozenset({"node_id", "lease"})}
_ROWS_AT_ONCE = 100


def read_rows(db: Connection, source: Table) -> Iterator[Row]:
    """Yield the rows of a table in the order of its primary key, a few at once."""
    columns = _columns(source)
    is_json = [isinstance(each.type, JSON) for each in columns]
    query = select(
        *(
            cast(each, String) if json_text else each
            for each, json_text in zip(columns, is_json, strict=True)
        )
    ).order_by(*source.primary_key)
    if source is settings:
        # It is about the files of that database, and no other.
        query = query.where(settings.c.name.not_in((FOLDER_CLAIM, BUCKET_CLAIM)))
    for row in db.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE}):
        yield [
            _plain_json(value) if json_text and value is not None else value
            for value, json_text in zip(row, is_json, strict=True)
        ]


def write_rows(db: Connection, target: Table, rows: Iterator[Row]) -> None:
    """Add rows to an empty table."""
    columns = _columns(target)
    # A null of JSON is not a missing value here, unlike in the hub's own statements.
    typed = [
        column(each.name, JSON(none_as_null=True) if isinstance(each.type, JSON) else each.type)
        for each in columns
    ]
    statement = insert(table(target.name, *typed))
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        db.execute(
            statement,
            [
                {
                    each.name: _parse_json(value) if isinstance(each.type, JSON) else value
                    for each, value in zip(columns, row, strict=True)
                }
                for row in batch
            ],
        )


def encode_row(row: Row) -> str:
    """Return a row as one line of JSON."""
    return json.dumps(row, separators=(",", ":"))


class RowDigest:
    """Counts rows, and computes a digest of all of them in their order."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = hashlib.sha256()

    def passing(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield rows as they are, and add each."""
        for row in rows:
            self.add(encode_row(row))
            yield row

    def add(self, line: str) -> None:
        """Add a row as `encode_row` returns it."""
        self.count += 1
        self._hash.update(line.encode())
        self._hash.update(b"\n")

    def summary(self) -> tuple[int, str]:
        """Return the number of rows, and the digest in hex."""
        return self.count, self._hash.hexdigest()


def read_counters(db: Connection) -> dict[str, int]:
    """Return the largest number that each table with numbered rows has ever had."""
    found = {}
    for each in TABLES:
        key = _counter(each)
        if key is not None:
            largest = db.execute(select(func.max(key))).scalar_one() or 0
            found[each.name] = max(largest, _last_number(db, key))
    return found


def set_counters(db: Connection, counters: dict[str, int]) -> None:
    """Have tables go on with the numbers after these."""
    for each in TABLES:
        key, last = _counter(each), counters.get(each.name, 0)
        if key is None or last == 0:
            continue
        where = {"table": each.name, "column": key.name, "last": last}
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"), where)
        elif each.dialect_options["sqlite"]["autoincrement"]:
            db.execute(text("DELETE FROM sqlite_sequence WHERE name = :table"), where)
            db.execute(text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), where)


def _columns(source: Table) -> list[Column[Any]]:
    left_out = _OF_PROCESSES.get(source.name, frozenset())
    return [each for each in source.c if each.name not in left_out]


def _counter(source: Table) -> Column[Any] | None:
    """Return the column by which the database numbers the rows of a table, if it does."""
    keys = list(source.primary_key)
    is_number = len(keys) == 1 and isinstance(keys[0].type, Integer) and not keys[0].foreign_keys
    return keys[0] if is_number else None


def _last_number(db: Connection, key: Column[Any]) -> int:
    where = {"table": key.table.name, "column": key.name}
    if db.dialect.name == "postgresql":
        query = "SELECT pg_sequence_last_value(pg_get_serial_sequence(:table, :column)::regclass)"
    else:
        query = "SELECT seq FROM sqlite_sequence WHERE name = :table"
    last: int | None = db.execute(text(query), where).scalar_one_or_none()
    return last or 0


def _plain_json(value: str) -> str:
    """Return a text of JSON in the form that does not depend on who has written it."""
    return json.dumps(json.loads(value), separators=(",", ":"))


def _parse_json(value: str | None) -> object:
    if value is None:
        return None
    parsed = json.loads(value)
    return JSON.NULL if parsed is None else parsed
