"""SQLite and PostgreSQL take each table and each statement of the store."""

from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, Engine, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable
from support.statement_coverage import (
    MODULES,
    functions_with_statements,
    run_every_statement,
    uncalled_functions,
)

from qai_hub.local.store import Store, dialect
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.schema import metadata

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def in_postgresql(element: ClauseElement) -> str:
    return str(element.compile(dialect=POSTGRESQL))


def test_each_table_and_index_can_be_made_there() -> None:
    found = [in_postgresql(CreateTable(table)) for table in metadata.sorted_tables]
    found += [
        in_postgresql(CreateIndex(index))
        for table in metadata.sorted_tables
        for index in table.indexes
    ]
    text = "\n".join(found)
    # What counts for ever, and sizes in bytes, overflow 32 bits.
    assert text.count("seq BIGSERIAL NOT NULL") == 4
    for column in ("size BIGINT", "part_size BIGINT", "execution_time BIGINT"):
        assert column in text
    assert "DEFAULT true" in text
    assert "DEFAULT 1" not in text


def test_each_statement_can_be_said_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite's compiler takes PostgreSQL's upserts too: so both see the same statements.
    monkeypatch.setattr(dialect, "_insert", lambda _, table: postgresql.insert(table))
    monkeypatch.setattr(dialect, "_insert_or_ignore", dialect._insert_or_ignore.__wrapped__)
    said: list[str] = []

    def listen(_: Connection, element: Any, *__: object) -> None:
        said.append(in_postgresql(element))

    def run() -> None:
        with store.write() as db:
            run_every_statement(db)

    event.listen(Engine, "before_execute", listen)
    try:
        missed = uncalled_functions(run)
    finally:
        event.remove(Engine, "before_execute", listen)
    assert missed == set()
    upserts = [text for text in said if "ON CONFLICT" in text]
    assert {"DO NOTHING" in text for text in upserts} == {True, False}
    assert len(said) > 100


def test_sqlite_runs_each_statement_as_it_is(store: Store) -> None:
    with store.write() as db:
        run_every_statement(db)


def test_there_are_statements_in_each_module() -> None:
    for module in MODULES:
        assert list(functions_with_statements(module)), module


def test_postgresql_runs_each_statement(postgresql_url: str) -> None:
    store = PostgresqlStore(postgresql_url)
    with store.write() as db:
        run_every_statement(db)
    store.close()
