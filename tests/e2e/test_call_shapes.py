"""Which arguments are refused before anything is sent, held against the official client.

`tests/data/call_shapes.csv` lists calls, as `support.call_shapes` makes them, and what becomes of
them: `accepted`, or the kind of error. `official` is what the official client 0.56.0 does, where
`crash` is an error that tells its user nothing, such as a bare AssertionError. `ours` is what this
one does; where it is another thing on purpose, `why` is a line of `docs/differences.md`.
"""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.call_context import CallContext
from support.call_shapes import SHAPES
from support.fake_worker import FakeWorker

import qai_hub as hub
from qai_hub.client import Client
from qai_hub.local import LocalHub

ROOT = Path(__file__).parents[2]

with (ROOT / "tests" / "data" / "call_shapes.csv").open(encoding="utf-8", newline="") as _table:
    ROWS = {row["call"]: row for row in csv.DictReader(_table)}

_PAGE = (ROOT / "docs" / "differences.md").read_text("utf-8")
_PART = _PAGE.partition("\n## Arguments\n")[2].partition("\n## ")[0]
LISTED = {match[1].strip() for match in re.finditer(r"^\| ([^|]+) \|", _PART, re.MULTILINE)}
REFUSALS = ("UserError", "ValueError", "FileNotFoundError", "TypeError")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:support")


@pytest.fixture(scope="module")
def worked() -> Iterator[Client]:
    """A client of a hub that takes jobs and runs none of them."""
    with LocalHub(run_attempt=FakeWorker()) as lh:
        yield lh.client()


class SpiedWorld(CallContext):
    """A world that knows what a call has made on the hub, apart from what it was prepared with.

    Its models may have been made for another call: none of them changes a model.
    """

    def __init__(
        self, client: Client, folder: Path, models: dict[str, Any], made: list[str]
    ) -> None:
        super().__init__(client, folder)
        self._models = models
        self._made = made

    def model(self, suffix: str) -> Any:
        return self._before(super().model, suffix)

    def dataset(self, *args: Any) -> Any:
        return self._before(super().dataset, *args)

    def job(self) -> Any:
        return self._before(super().job)

    def _before(self, make: Callable[..., Any], *args: Any) -> Any:
        count = len(self._made)
        thing = make(*args)
        del self._made[count:]
        return thing


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    """The models on the hub, by their suffixes."""
    return {}


@pytest.fixture
def world(
    worked: Client, models: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SpiedWorld:
    made: list[str] = []
    api_call = Client._api_call

    def spy(self: Client, function: Any, *args: Any, **kwargs: Any) -> Any:
        operation = args[0].__module__.rpartition(".")[2]
        made.extend([operation] if operation.startswith("create_") else [])
        return api_call(self, function, *args, **kwargs)

    monkeypatch.setattr(Client, "_api_call", spy)
    monkeypatch.setenv("HOME", str(tmp_path))
    return SpiedWorld(worked, tmp_path / "files", models, made)


def kind_of(error: Exception) -> str:
    if isinstance(error, ValueError) and isinstance(error, hub.UserError):
        return "ValueError"
    return type(error).__name__


@pytest.mark.parametrize("name", SHAPES)
def test_call_is_accepted_or_refused_as_listed(name: str, world: SpiedWorld) -> None:
    try:
        SHAPES[name](world)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what is compared
        outcome, told = kind_of(error), str(error)
        assert world._made == []
        assert told.strip()
    else:
        outcome = "accepted"
    assert outcome == ROWS[name]["ours"]


def test_the_table_lists_all_calls() -> None:
    assert list(ROWS) == list(SHAPES)
    assert len(ROWS) > 500


def test_what_differs_from_the_official_client_is_listed() -> None:
    # A ValueError of ours is a UserError too.
    as_good = {("crash", "UserError"), ("crash", "ValueError"), ("UserError", "ValueError")}
    for name, row in ROWS.items():
        official, ours = row["official"], row["ours"]
        same = official == ours or (official, ours) in as_good
        assert ours in ("accepted", *REFUSALS), name
        assert bool(row["why"]) != same, name
        assert not row["why"] or row["why"] in LISTED, name


def test_listed_differences_of_behaviour_exist() -> None:
    whys = {row["why"] for row in ROWS.values()} - {""}
    headings = {"what", "---"}
    assert LISTED - headings == whys
