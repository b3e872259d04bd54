"""Whole lists: each item once, whatever happens meanwhile and whatever a server does."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import Reply, Request, ScriptedServer

import qai_hub as hub
from qai_hub.client import Client, ClientConfig
from qai_hub.client.pages import Page, PageStart, iterate_items
from qai_hub.transport.values import next_cursor

CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.integers(0, 40), max_size=3)), max_size=20
)


class Shelf:
    """A list on a server, newest first, that changes after each page."""

    def __init__(self, size: int, changes: list[tuple[int, list[int]]], *, cursors: bool) -> None:
        self.items = list(range(size))[::-1]
        self.gone: set[int] = set()
        self._changes = iter(changes)
        self._newest = size
        self._cursors = cursors

    def fetch(self, place: PageStart, limit: int) -> Page[int]:
        end = len(self.items) if place.cursor is None else int(place.cursor)
        older = [item for item in self.items if place.cursor is None or item < end]
        found = older[place.offset : place.offset + limit]
        more = len(older) > place.offset + len(found)
        cursor = str(found[-1]) if found and more and self._cursors else None
        page = Page(found, len(found), len(self.items), cursor)
        added, removed = next(self._changes, (0, []))
        for _ in range(added):
            self.items.insert(0, self._newest)
            self._newest += 1
        self.gone |= {item for item in self.items if item in removed}
        self.items = [item for item in self.items if item not in removed]
        return page


@given(st.integers(0, 30), st.integers(1, 7), CHANGES)
def test_with_cursors_nothing_is_left_out_and_nothing_comes_twice(
    size: int, page_size: int, changes: list[tuple[int, list[int]]]
) -> None:
    shelf = Shelf(size, changes, cursors=True)
    found = list(iterate_items(shelf.fetch, str, page_size))
    assert found == sorted(set(found), reverse=True)
    assert set(range(size)) - shelf.gone <= set(found)


@given(st.integers(0, 30), st.integers(1, 7), CHANGES)
def test_without_cursors_what_is_added_disturbs_nothing(
    size: int, page_size: int, changes: list[tuple[int, list[int]]]
) -> None:
    only_added: list[tuple[int, list[int]]] = [(added, []) for added, _ in changes]
    found = list(iterate_items(Shelf(size, only_added, cursors=False).fetch, str, page_size))
    assert [item for item in found if item < size] == list(range(size))[::-1]
    assert len(found) == len(set(found))


@given(st.integers(0, 30), st.integers(1, 7), CHANGES)
def test_without_cursors_nothing_comes_twice(
    size: int, page_size: int, changes: list[tuple[int, list[int]]]
) -> None:
    found = list(iterate_items(Shelf(size, changes, cursors=False).fetch, str, page_size))
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ('</api/v1/jobs/?cursor=1042&limit=50>; rel="next"', "1042"),
        ("<https://other.example/x?cursor=7>; rel=next", "7"),
        ('<?cursor=1>; rel="prev", <?limit=2&cursor=3>; rel="next"; title="a, b"', "3"),
        ('<?cursor=a%2Bb%3D>; rel="next"', "a+b="),
        ('<?cursor=1>; rel="prev"', None),
        ('<?page=2>; rel="next"', None),
        ('<?cursor=>; rel="next"', None),
        ('<http://[?cursor=1>; rel="next"', None),
        ("", None),
        ("next", None),
        (";;;,,,<<<>>>", None),
        ("<\u00e9\u2603?cursor=\u00e9>; rel=next", "\u00e9"),
    ],
)
def test_the_cursor_of_a_link(link: str, cursor: str | None) -> None:
    assert next_cursor({"Link": link}) == cursor
    assert next_cursor(httpx.Headers([(b"link", link.encode())])) == cursor


@given(st.text())
def test_no_link_is_too_odd(link: str) -> None:
    found = next_cursor({"Link": link})
    assert found is None or found in link


def test_without_a_link_there_is_no_cursor() -> None:
    assert next_cursor({}) is None


Decide = Callable[[dict[str, str]], tuple[list[str], dict[str, str]]]


@contextmanager
def listing(decide: Decide, total: int = 2**60) -> Iterator[tuple[Client, ScriptedServer]]:
    """A server whose lists of models are as `decide` says of the query: ids and headers."""

    def script(request: Request) -> Reply:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.target).query).items()}
        ids, headers = decide(query)
        models = [{"model_id": key, "name": key} for key in ids]
        answer = {"models": models, "total_query_count": total}
        typed = {"Content-Type": "application/json", **headers}
        return Reply(200, json.dumps(answer).encode(), typed)

    with ScriptedServer(script) as server:
        client = Client(ClientConfig("token", server.url, server.url))
        yield client, server
        client.close()


def ids_of(models: Iterator[hub.Model]) -> list[str]:
    return [model.model_id for model in models]


def test_pages_are_fetched_when_they_are_needed_and_only_from_this_host() -> None:
    def decide(query: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        if "cursor" in query:
            return ["m3"], {}
        link = '<https://elsewhere.invalid/api/v1/models/?cursor=2>; rel="next"'
        return ["m1", "m2"], {"Link": link}

    with listing(decide) as (client, server):
        models = client.iter_models(page_size=2)
        assert server.requests == []
        assert next(models).model_id == "m1"
        assert next(models).model_id == "m2"
        assert len(server.requests) == 1
        assert ids_of(models) == ["m3"]
        queries = [parse_qs(urlsplit(request.target).query) for request in server.requests]
    assert queries[0] == {"offset": ["0"], "limit": ["2"]}
    assert queries[1] == {"offset": ["0"], "limit": ["2"], "cursor": ["2"]}


def test_a_server_that_repeats_a_cursor_is_found_out() -> None:
    count = itertools.count()

    def decide(query: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        cursor = "1" if query.get("cursor") == "2" else "2"
        return [f"m{next(count)}"], {"Link": f'<?cursor={cursor}>; rel="next"'}

    with listing(decide) as (client, server):
        with pytest.raises(hub.InternalError, match="seems endless"):
            list(client.iter_models())
        assert len(server.requests) == 3


@pytest.mark.parametrize("cursors", [True, False])
def test_a_server_that_gives_the_same_items_for_ever_is_found_out(*, cursors: bool) -> None:
    count = itertools.count()

    def decide(query: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        return ["m1"], {"Link": f'<?cursor={next(count)}>; rel="next"'} if cursors else {}

    with listing(decide) as (client, server):
        models = client.iter_models()
        assert next(models).model_id == "m1"
        with pytest.raises(hub.InternalError, match="seems endless"):
            next(models)
        assert len(server.requests) == 101


def test_empty_pages_between_others_are_passed_over() -> None:
    pages = {None: (["m1"], "5"), "5": ([], "4"), "4": (["m2"], "3"), "3": ([], None)}

    def decide(query: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        ids, cursor = pages[query.get("cursor")]
        return ids, {"Link": f'<?cursor={cursor}>; rel="next"'} if cursor else {}

    with listing(decide) as (client, _):
        assert ids_of(client.iter_models()) == ["m1", "m2"]


def test_a_long_search_in_vain_goes_on_to_its_end() -> None:
    # More pages than the limits on lists that stand still.
    def decide(query: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        left = int(query.get("cursor", 151)) - 1
        return ([], {"Link": f'<?cursor={left}>; rel="next"'}) if left else (["m1"], {})

    with listing(decide) as (client, server):
        assert ids_of(client.iter_models()) == ["m1"]
        assert len(server.requests) == 151


@pytest.mark.parametrize("wrong", [{"limit": None}, {"limit": -1}, {"offset": "1"}])
@pytest.mark.parametrize("filters", [{}, {"name": "x"}])
def test_wrong_ranges_are_refused_at_once(wrong: dict[str, Any], filters: dict[str, Any]) -> None:
    with (
        listing(lambda query: ([], {})) as (client, server),
        pytest.raises(hub.UserError, match="must be an integer"),
    ):
        client.get_job_summaries(**wrong, **filters)
    assert server.requests == []


@pytest.mark.parametrize("page_size", [0, -1, 1001, 2.0, "5", None, True])
@pytest.mark.parametrize(
    "verb", ["iter_jobs", "iter_job_summaries", "iter_models", "iter_datasets"]
)
def test_wrong_page_sizes_are_refused_at_once(verb: str, page_size: object) -> None:
    with (
        listing(lambda query: ([], {})) as (client, server),
        pytest.raises(hub.UserError, match="page_size"),
    ):
        getattr(client, verb)(page_size=page_size)
    assert server.requests == []


@pytest.mark.parametrize("verb", ["iter_jobs", "iter_job_summaries"])
@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "FAILED"},
        {"state": ["x"]},
        {"type": "compile"},
        {"name": 5},
        {"name": "x" * 201},
        {"device": "a\0b"},
        {"model": "jabc12345"},
        {"model": 7},
        {"after": "2026-01-02"},
        {"before": 1.5},
        {"before": datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))},
    ],
)
def test_wrong_filters_are_refused_at_once(verb: str, wrong: dict[str, Any]) -> None:
    with (
        listing(lambda query: ([], {})) as (client, server),
        pytest.raises(hub.UserError),
    ):
        getattr(client, verb)(**wrong)
    assert server.requests == []


def test_functions_go_through_the_lists_of_the_default_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listing(lambda query: (["m1"], {}), total=1) as (client, _):
        monkeypatch.setattr(hub.hub, "_global_client", client)
        assert ids_of(hub.iter_models()) == ["m1"]
        with pytest.raises(hub.UserError, match="page_size"):
            hub.iter_jobs(page_size=0)
