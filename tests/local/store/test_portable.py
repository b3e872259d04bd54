"""Rows in a form that both database systems read and write."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text

from qai_hub.local.store import Store
from qai_hub.local.store.portable import (
    Row,
    RowDigest,
    encode_row,
    read_counters,
    read_rows,
    set_counters,
    write_rows,
)
from qai_hub.local.store.schema import results, users

# PostgreSQL has no texts with NUL.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
INNER = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=9,
)
# SQLite makes a number of a text that is one: the hub has none alone.
VALUES = st.none() | st.lists(INNER, max_size=3) | st.dictionaries(TEXT, INNER, max_size=3)


def plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(TEXT.filter(bool), VALUES, max_size=4))
def test_rows_are_read_as_they_were_written(store: Store, values: dict[str, Any]) -> None:
    rows = [[key, plain(values[key])] for key in sorted(values, key=str.encode)]
    with store.write() as db:
        db.execute(delete(results))
        write_rows(db, results, iter(rows))
        assert list(read_rows(db, results)) == rows
        # As the hub reads them.
        found = {row.job_id: row.body for row in db.execute(results.select())}
    assert found == values


def test_a_digest_tells_rows_apart() -> None:
    def summary(*rows: Row) -> tuple[int, str]:
        digest = RowDigest()
        assert list(digest.passing(iter(rows))) == [*rows]
        return digest.summary()

    different: list[Row] = [["a", 1], ["a", "1"], ["a", None], ["a", "null"], ["a,1"], ["a\n", 1]]
    assert len({summary(row) for row in different}) == len(different)
    assert summary(["a"], ["b"]) != summary(["b"], ["a"])
    assert summary(["a"])[0] == 1
    assert encode_row(["ä", True]) == '["\\u00e4",true]'


def test_numbers_go_on_after_the_largest_there_was(store: Store) -> None:
    with store.write() as db:
        write_rows(
            db, users, iter([[7, "ada@example.com", "start", True, 0, 0, None, None, None, 0, 0]])
        )
        set_counters(db, {"users": 7, "jobs": 41, "models": 0})
        assert read_counters(db)["users"] == 7
        assert read_counters(db)["jobs"] == 41
        db.execute(text("INSERT INTO users (email) VALUES ('bob@example.com')"))
        assert [row[0] for row in read_rows(db, users)] == [7, 8]


@pytest.mark.parametrize("number", [1, 99, 100, 101, 250])
def test_all_rows_are_copied_however_many(store: Store, number: int) -> None:
    rows = [[f"j{index:04}", "{}"] for index in range(number)]
    with store.write() as db:
        write_rows(db, results, iter(rows))
        assert list(read_rows(db, results)) == rows
