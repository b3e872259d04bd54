"""Lists of services that leave members out, tell wrong totals, or have jobs of new types."""

import itertools
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import Reply, Request, ScriptedServer

import qai_hub as hub
from qai_hub.client import Client, ClientConfig
from qai_hub.client.pages import Page, PageStart, fetch_range, iterate_items
from qai_hub.wire import encode

TIME = "2026-01-02T03:04:05Z"


def summary(job_id: str) -> dict[str, Any]:
    told = {"job_id": job_id, "name": "n", "job_state": "JOB_STATE_DONE", "creation_time": TIME}
    return {"compile_job_summary": {**told, "device_name": "D", "device_os_version": "1"}}


@contextmanager
def serving(script: Callable[[dict[str, str]], object], **config: Any) -> Iterator[Any]:
    """A client of a server whose answers are made of queries; bytes are protobuf."""

    def answer(request: Request) -> Reply:
        query = {k: v[0] for k, v in parse_qs(urlsplit(request.target).query).items()}
        value = script(query)
        if isinstance(value, bytes):
            return Reply(200, value, {"Content-Type": "application/x-protobuf"})
        return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    with (
        ScriptedServer(answer) as server,
        Client(ClientConfig("token", server.url, server.url, **config)) as client,
    ):
        yield client, server


# -- pages ---------------------------------------------------------------------------------------


@given(
    pages=st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=8),
    total=st.integers(-5, 60) | st.just(10**9),
    page_size=st.integers(1, 20),
)
def test_any_pages_end_in_a_bounded_number_of_requests(
    pages: list[list[int]], total: int, page_size: int
) -> None:
    asked = itertools.count()

    def fetch(place: PageStart, limit: int) -> Page[int]:
        index = next(asked)
        items = pages[index][:limit] if index < len(pages) else []
        return Page(items, len(items), total, None)

    found = list(iterate_items(fetch, str, page_size))
    assert len(found) == len(set(found))
    assert next(asked) <= len(pages) + 52


@given(visible=st.sets(st.integers(0, 60)), page_size=st.integers(2, 30), offset=st.integers(0, 30))
def test_windows_that_are_empty_are_passed_over(
    visible: set[int], page_size: int, offset: int
) -> None:
    """A service that cuts its pages first, and then leaves out what nobody may see."""

    def fetch(place: PageStart, limit: int) -> Page[int]:
        window = range(place.offset, min(place.offset + min(limit, 10), 61))
        items = [n for n in window if n in visible]
        return Page(items, len(items), 61, None)

    assert list(iterate_items(fetch, str, page_size)) == sorted(visible)
    wanted = [n for n in sorted(visible) if n >= offset]
    assert fetch_range(fetch, str, offset, 1000) == wanted


@pytest.mark.parametrize("total", [0, -1, 1, 10, 10**15])
def test_totals_that_are_wrong(total: int) -> None:
    items = list(range(25))

    def fetch(place: PageStart, limit: int) -> Page[int]:
        found = items[place.offset : place.offset + limit]
        return Page(found, len(found), total, None)

    assert list(iterate_items(fetch, str, 10)) == items if total != 10 else items[:10]
    assert fetch_range(fetch, str, 0, 7) == items[:7]


def test_empty_pages_do_not_end_a_range() -> None:
    def script(query: dict[str, str]) -> object:
        first = int(query["offset"])
        told = [] if 10 <= first < 20 else range(first, min(first + 10, 30))
        return {"job_summaries": [summary(f"j{n}") for n in told], "total_query_count": 30}

    with serving(script) as (client, server):
        assert len(client.get_job_summaries(limit=25)) == 20
        assert len(server.requests) <= 5


# -- members -------------------------------------------------------------------------------------

FUTURE = b"\x0a\x04j999\x1a\x03new\x20\x1e"


def test_jobs_of_new_types_are_shown_on_the_protobuf_wire() -> None:
    one = encode("qai_hub.api.JobSummaryList", {"job_summaries": [summary("j1")]})
    field = b"\xfa\x06" + bytes([len(FUTURE)]) + FUTURE  # 111, which no message has
    new = one[:1] + bytes([len(field)]) + field
    total = encode("qai_hub.api.JobSummaryList", {"total_query_count": 3})
    with serving(lambda _: one + new + one.replace(b"j1", b"j2") + total, wire="protobuf") as (
        c,
        _,
    ):
        found = c.get_job_summaries()
    assert [each.job_id for each in found] == ["j1", "j999", "j2"]
    assert (found[1].name, found[1].status, found[1].job_type) == (
        "new",
        "FAILED",
        hub.JobType.UNSPECIFIED,
    )
    with serving(lambda _: field, wire="protobuf") as (client, _):
        job = client.get_job("j999")
        assert (job.job_id, job.name) == ("j999", "")


def test_a_job_of_a_new_type_without_identifier_is_left_out_with_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listed = [
        summary("j1"),
        {"new_job_summary": {"name": "n"}},
        None,
        summary("../j2"),
        summary("j3"),
    ]
    told = {"job_summaries": listed, "total_query_count": 5}
    with caplog.at_level(logging.WARNING, "qai_hub"), serving(lambda _: told) as (client, server):
        assert [each.job_id for each in client.get_job_summaries()] == ["j1", "j3"]
        assert [each.job_id for each in client.iter_job_summaries()] == ["j1", "j3"]
        assert len(server.requests) == 2
    assert len(caplog.messages) == 2
    assert "3 of 5 jobs in a list are skipped" in caplog.messages[0]


def test_summaries_of_jobs_that_have_ended() -> None:
    ended = summary("j1")
    ended["compile_job_summary"] |= {"job_state": "JOB_STATE_CANCELLED", "completion_time": TIME}
    on = summary("j2")
    on["compile_job_summary"]["job_state"] = "JOB_STATE_CANCELLED"
    told = {"job_summaries": [ended, on], "total_query_count": 2}
    with serving(lambda _: told) as (client, _):
        first, second = client.get_job_summaries()
    assert (first.status.finished, first.status.success, first.status.failure) == (
        True,
        False,
        True,
    )
    assert (second.status.finished, second.status.running) == (False, True)


# -- arguments -----------------------------------------------------------------------------------


def test_integers_of_numpy_are_taken() -> None:
    told = {"job_summaries": [summary("j1")], "models": [], "datasets": [], "total_query_count": 1}
    with serving(lambda _: told) as (client, server):
        assert len(client.get_job_summaries(np.int32(0), np.uint8(1))) == 1
        assert client.get_models(limit=np.int64(2), offset=np.int16(0)) == []
        assert client.get_datasets(limit=np.int64(2)) == []
        assert len(list(client.iter_job_summaries(page_size=np.int64(2)))) == 1
        assert all("np." not in request.target for request in server.requests)
        for wrong in (2.0, np.float64(2), True, np.True_, "2", None, -1, np.int64(-1)):
            with pytest.raises(hub.UserError, match="must be an integer"):
                client.get_models(limit=wrong)


@pytest.mark.parametrize("arguments", [(), ([], []), (None, None), ((), None)])
def test_sharing_with_nobody_is_a_mistake(arguments: tuple[Any, ...]) -> None:
    with serving(lambda _: {"model_id": "m1"}) as (client, server):
        model = client.get_model("m1")
        before = len(server.requests)
        with pytest.raises(hub.UserError, match="e-mail address"):
            model.modify_sharing(*arguments)
        assert len(server.requests) == before


@pytest.mark.parametrize(
    ("system", "version", "taken"),
    [
        *(("ios", "15.1", True), ("ios", "13.1", False), ("ios", "", False), ("ios", "x", False)),
        *(("macos", "12", True), ("macos", "11.1", False), ("android", "15", False)),
    ],
)
def test_core_ml_packages_need_a_system_that_takes_them(
    system: str, version: str, taken: bool, tmp_path: Any
) -> None:
    package = tmp_path / "net.mlpackage"
    package.mkdir()
    device = {"name": "D", "os": version, "attributes": ["framework:coreml", f"os:{system}"]}
    told = {"devices": [{**device, "soc_description": ""}], "total_query_count": 1}
    with serving(lambda _: told) as (client, server):
        reason = "unexpected answer" if taken else "needs iOS 15 or macOS 12"
        with pytest.raises(hub.Error, match=reason):
            client.submit_inference_job(str(package), hub.Device("D"))
        assert any(request.method == "POST" for request in server.requests) is taken
