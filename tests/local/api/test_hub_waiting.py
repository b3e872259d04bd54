"""The long poll: as soon as a job has ended, at no cost while it has not."""

import threading
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_worker import FakeWorker
from support.hub_http import Api, problem
from support.polling import wait_until

from qai_hub.local import LocalHub
from qai_hub.local.api.long_poll import MAX_WAIT, parse_wait_preference


def ask(api: Api, key: str, prefer: str) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    response = api.http.get(f"jobs/{key}/", headers={"Prefer": prefer})
    return response, time.monotonic() - began


def test_the_answer_comes_when_the_job_ends(ada: Api, model: str, worker: FakeWorker) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    ended: list[float] = []

    def let() -> None:
        time.sleep(0.3)
        ended.append(time.monotonic())
        worker.may_finish.set()

    thread = threading.Thread(target=let)
    thread.start()
    response, spent = ask(ada, key, "wait=20")
    assert ended, "it was answered while the job ran"
    thread.join()
    assert response.json()["compile_job"]["job_state"] == "JOB_STATE_DONE"
    assert response.headers["Preference-Applied"] == "wait=20"
    assert spent < 15, "it came when the time was over"


def test_the_answer_comes_when_the_time_is_over(ada: Api, model: str, worker: FakeWorker) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    response, spent = ask(ada, key, "wait=1")
    assert response.json()["compile_job"]["job_state"] != "JOB_STATE_DONE"
    assert 0.9 < spent < 15
    assert response.headers["Preference-Applied"] == "wait=1"


def test_a_job_that_has_ended_is_answered_at_once(ada: Api, model: str) -> None:
    key, _ = ada.compile(model)
    ada.wait(key)
    response, spent = ask(ada, key, "wait=20")
    assert response.headers["Preference-Applied"] == "wait=20"
    assert spent < 15


def test_a_job_that_ends_while_it_is_looked_at_is_not_missed(ada: Api, model: str) -> None:
    for _ in range(100):
        key, target = ada.compile(model)
        assert ada.wait(ada.submit("inference_job", target, is_profiling_on=True))
        assert ada.job(key)["job_state"] == "JOB_STATE_DONE"


@pytest.mark.parametrize("prefer", ["", "wait", "wait=x", "wait=-1", "respond-async", ";;,,="])
def test_other_preferences_are_ignored(
    ada: Api, model: str, worker: FakeWorker, prefer: str
) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    response, spent = ask(ada, key, prefer)
    assert response.status_code == 200
    assert "Preference-Applied" not in response.headers
    assert spent < 15


def test_strangers_do_not_wait(ada: Api, eve: Api, model: str, worker: FakeWorker) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    response, spent = ask(eve, key, "wait=20")
    problem(response, 404)
    assert spent < 15


def test_waiters_cost_no_threads_and_all_are_told(
    hub: LocalHub, ada: Api, model: str, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    answers: list[str] = []

    def wait() -> None:
        answers.append(str(ada.wait(key)["job_state"]))

    threads = [threading.Thread(target=wait) for _ in range(60)]
    for thread in threads:
        thread.start()
    wait_until(lambda: hub.waiting == 60)
    assert ada.get("devices/", select="true")["devices"]
    worker.may_finish.set()
    for thread in threads:
        thread.join()
    assert answers == ["JOB_STATE_DONE"] * 60
    assert hub.waiting == 0


def test_whoever_hangs_up_is_forgotten(
    hub: LocalHub, ada: Api, model: str, worker: FakeWorker
) -> None:
    worker.may_finish.clear()
    key, _ = ada.compile(model)
    with pytest.raises(httpx.ReadTimeout):
        ada.http.get(f"jobs/{key}/", headers={"Prefer": "wait=30"}, timeout=0.3)
    wait_until(lambda: hub.waiting == 0)


def test_a_hub_that_stops_lets_its_waiters_go() -> None:
    worker = FakeWorker()
    worker.may_finish.clear()
    hub = LocalHub(run_attempt=worker).start()
    api = Api(hub)
    key, _ = api.compile(api.upload_model())
    states: list[str] = []

    def wait() -> None:
        response, _ = ask(api, key, "wait=30")
        states.append(response.json()["compile_job"]["job_state"])

    thread = threading.Thread(target=wait)
    thread.start()
    wait_until(lambda: (hub.waiting, worker.running) == (1, 1))
    began = time.monotonic()
    hub.stop()
    thread.join()
    assert time.monotonic() - began < 20
    assert states == ["JOB_STATE_OPTIMIZING_MODEL"]
    api.close()


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="7"', 7),
        ("respond-async, wait=9; x=y", 9),
        ("wait=3, wait=4", 3),
        ("wait=0", 0),
        ("wait=61", MAX_WAIT),
        ("wait=" + "9" * 5000, MAX_WAIT),
        ("wait=00002", 2),
        ("wait", None),
        ("wait=", None),
        ("wait=5.5", None),
        ("wait=-5", None),
        ("waiting=5", None),
        ("wait=\u0665", None),
    ],
)
def test_the_preference(prefer: str, seconds: int | None) -> None:
    assert parse_wait_preference(prefer) == seconds


@given(st.text() | st.from_regex(r'(wait|x) ?= ?"?[0-9]*"?([,;].*)?'))
def test_any_preference_is_read_or_ignored(prefer: str) -> None:
    seconds = parse_wait_preference(prefer)
    assert seconds is None or 0 <= seconds <= MAX_WAIT
