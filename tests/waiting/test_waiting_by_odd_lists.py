"""Waits on servers whose lists are wrong: each job is told once, by its own status."""

from collections.abc import Callable
from typing import Any

import pytest
from support.job_hub import DONE, RUNNING, JobHub, compile_job
from support.scripted_server import Reply, Request, Step, json_reply

import qai_hub as hub

NAMES = [f"j{number:02d}" for number in range(12)]
SUMMARIES, JOBS = "GET /api/v1/job_summaries/", "GET /api/v1/jobs/"

Page = Callable[[str], list[dict[str, Any]]]


def summary(name: str, state: str = DONE) -> dict[str, Any]:
    return {
        "compile_job_summary": {
            "job_id": name,
            "user": {"id": 1, "first_name": "", "last_name": "", "email": "", "org_id": 1},
            "name": name,
            "job_state": state,
            "device_name": "D",
            "device_os_version": "14",
            "creation_time": "2026-01-02T03:04:05Z",
        }
    }


def summaries(state: str) -> list[dict[str, Any]]:
    return [summary(name, state) for name in NAMES]


def jobs(state: str) -> list[dict[str, Any]]:
    return [compile_job(name, state) for name in NAMES]


def of_another_type(state: str) -> list[dict[str, Any]]:
    details = [job["compile_job"] for job in jobs(state)]
    return [
        {"link_job": {**detail, "link_job_id": detail["compile_job_id"], "models": []}}
        for detail in details
    ]


def wait(list_summaries: Page, list_jobs: Page, ends_at: int) -> list[str]:
    """Waits for jobs that end with the request of a given number; returns what they are told as."""
    with JobHub() as world:
        owned = [world.client().get_job(name) for name in NAMES]
        world.server.requests.clear()

        def answer(request: Request) -> Step | None:
            world.state = DONE if len(world.server.requests) > ends_at else RUNNING
            if request.route == SUMMARIES:
                found = {"job_summaries": list_summaries(world.state)}
            elif request.route == JOBS:
                found = {"jobs": list_jobs(world.state)}
            else:
                return None
            return json_reply({**found, "total_query_count": 12})

        world.override = answer
        return [vars(job)["_last_status"].code for job in hub.as_completed(owned, 60)]


@pytest.mark.parametrize(
    ("list_summaries", "list_jobs"),
    [
        (summaries, jobs),
        (lambda _: summaries(DONE), jobs),
        (lambda _: summaries(RUNNING), jobs),
        (lambda state: summaries(state) * 2, lambda state: jobs(state) * 2),
        (summaries, lambda _: []),
        (lambda _: [], jobs),
        (lambda _: [{}, {"compile_job_summary": {}}], jobs),
        (summaries, lambda _: [{}]),
        (summaries, of_another_type),
        (lambda state: [{"new_job_summary": {"job_id": name}} for name in NAMES], jobs),
    ],
    ids=[
        "right",
        "all have ended",
        "none has ended",
        "all twice",
        "no jobs",
        "no summaries",
        "empty summaries",
        "empty jobs",
        "another type",
        "an unknown type",
    ],
)
@pytest.mark.parametrize("ends_at", [0, 3])
def test_each_job_is_handed_out_once_and_after_its_end(
    list_summaries: Page, list_jobs: Page, ends_at: int
) -> None:
    assert wait(list_summaries, list_jobs, ends_at) == ["SUCCESS"] * len(NAMES)


@pytest.mark.parametrize(
    "reply",
    [Reply(404), Reply(400), Reply(500), Reply(200, b"<html>"), json_reply({"jobs": 7})],
    ids=["404", "400", "500", "a page", "nonsense"],
)
@pytest.mark.parametrize("route", [SUMMARIES, JOBS])
def test_a_list_that_is_refused_or_no_list(route: str, reply: Reply) -> None:
    with JobHub() as world:
        owned = [world.client().get_job(name) for name in NAMES]

        def answer(request: Request) -> Step | None:
            if request.route == route:
                return reply
            if request.route == SUMMARIES:
                return json_reply({"job_summaries": summaries(DONE), "total_query_count": 12})
            return None

        world.override = answer
        assert [status.code for status in hub.wait_all(owned, 60)] == ["SUCCESS"] * len(NAMES)


def test_a_list_is_not_asked_for_few_jobs() -> None:
    with JobHub() as world:
        owned = [world.client().get_job(name) for name in NAMES[:8]]
        hub.wait_all(owned)
        assert SUMMARIES not in {request.route for request in world.server.requests}


def test_a_right_list_saves_requests() -> None:
    with JobHub() as world:
        owned = [world.client().get_job(name) for name in NAMES]
        world.server.requests.clear()
        world.override = lambda request: {
            SUMMARIES: json_reply({"job_summaries": summaries(DONE), "total_query_count": 12}),
            JOBS: json_reply({"jobs": jobs(DONE), "total_query_count": 12}),
        }.get(request.route)
        hub.wait_all(owned)
        assert [request.route for request in world.server.requests] == [SUMMARIES, JOBS]
