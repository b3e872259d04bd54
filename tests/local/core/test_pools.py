"""Processes of a hub that run some jobs only, and jobs that none of them runs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.hub_http import Api
from support.polling import wait_until
from support.store_builders import NOON, add_job

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.store.nodes import Node, add_node, read_clock
from qai_hub.local.store.people import ensure_user
from qai_hub.local.store.postgresql import PostgresqlStore
from qai_hub.local.store.rows import JOBS
from qai_hub.local.worker import HubWorker

QNN = "--target_runtime qnn_dlc"


class Team:
    """A hub whose jobs are run by workers that a test starts."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    def config(self, slots: int, labels: tuple[str, ...] | None = None) -> HubConfig:
        return HubConfig(
            database=self.url,
            data_dir=self.folder,
            max_parallel_jobs=slots,
            labels=labels,
            lease=1.0,
            big_input=100,
            cache=False,
        )

    @contextmanager
    def worker(self, *labels: str) -> Iterator[FakeWorker]:
        fake = FakeWorker()
        with HubWorker(self.config(2, labels), run_attempt=fake):
            yield fake


@pytest.fixture
def team(emptied_postgresql_url: str, tmp_path: Path) -> Team:
    return Team(emptied_postgresql_url, tmp_path / "shared")


def test_a_job_runs_where_its_needs_are_offered(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whether Qualcomm's compiler runs on this machine or not: a stand-in runs the jobs.
    monkeypatch.setattr("qai_hub.local.core.needs.CAPABILITIES", ())
    with LocalHub.from_config(team.config(0)) as hub:
        api = Api(hub)
        model = api.upload_model()
        needy, _ = api.compile(model, options=QNN)
        plain, _ = api.compile(model)
        big, target = api.compile(api.upload_model(b"x" * 101))
        after = api.submit("inference_job", target)
        with team.worker("big") as other:
            for key in (plain, big):
                assert api.wait(key)["job_state"] == states.DONE
            assert api.wait(after)["job_state"] == states.DONE
            assert api.job(needy)["job_state"] == states.CREATED
            with team.worker("qnn") as able:
                assert api.wait(needy)["job_state"] == states.DONE
        assert [request.options for request in able.requests if request.options] == [QNN]
        assert QNN not in [request.options for request in other.requests]
        api.close()


def test_a_label_that_is_not_there_is_refused(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qai_hub.local.frameworks.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="jobs that need torch cannot run here"):
        HubWorker(team.config(1, ("torch",)), run_attempt=FakeWorker()).start()
    with pytest.raises(ValueError, match=r"labels must be among big, .*torch, .*, not 'gpu'"):
        team.config(1, ("gpu",))


def test_jobs_that_no_process_runs_are_told_once(
    emptied_postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = PostgresqlStore(emptied_postgresql_url)
    time = [0.0]
    watch = PoolWatch(store, 1.0, monotonic=lambda: time[0])

    def warnings() -> list[str]:
        time[0] += 10
        caplog.clear()
        watch.warn()
        return caplog.messages

    def start(name: str, labels: str, slots: int = 1, *, draining: bool = False) -> None:
        with store.write() as db:
            node = Node(name, name, "worker", "1", slots, NOON, labels, draining)
            add_node(db, node, read_clock(db) + 60_000_000)

    with caplog.at_level(logging.WARNING):
        assert warnings() == []
        with store.write() as db:
            ada = ensure_user(db, "ada@example.com")
            plain, needy, _ = (add_job(db, ada) for _ in range(3))
            JOBS.update(db, needy, needs="big,qnn")
        assert sorted(warnings()) == [
            "1 queued jobs need big and qnn, which no running process offers",
            "2 queued jobs wait, but no running process takes jobs",
        ]
        assert warnings() == []
        start("web", "big,qnn", slots=0)
        start("drains", "big,qnn", draining=True)
        start("plain", "qnn,torch")
        assert warnings() == []
        assert [(each.needs, each.number) for each in watch.read().unserved] == [("big,qnn", 1)]
        start("able", "big,qnn,torch")
        assert warnings() == []
        assert watch.read().unserved == []
        with store.write() as db:
            JOBS.update(db, plain, needs="tflite")
        assert warnings() == ["1 queued jobs need tflite, which no running process offers"]
        # Between two looks at the database, the same is told.
        with store.write() as db:
            JOBS.update(db, plain, needs="")
        assert len(watch.read().unserved) == 1
    store.close()


def test_a_process_that_is_not_heard_of_offers_nothing(emptied_postgresql_url: str) -> None:
    store = PostgresqlStore(emptied_postgresql_url)
    with store.write() as db:
        add_job(db, ensure_user(db, "ada@example.com"))
        node = Node("n1", "n1", "worker", "1", 1, NOON)
        add_node(db, node, read_clock(db) - 2_000_000)
    assert [each.number for each in PoolWatch(store, 1.0).read().unserved] == [1]
    assert PoolWatch(store, 60.0).read().unserved == []
    # A hub of one process runs all jobs.
    alone = PoolWatch(store, None).read()
    assert (alone.queue[0].number, alone.nodes, alone.unserved) == (1, (), ())
    store.close()


def test_a_hub_tells_of_jobs_that_wait_for_nobody(
    team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), LocalHub.from_config(team.config(0)) as hub:
        api = Api(hub)
        api.compile(api.upload_model(), options=QNN)
        told = "1 queued jobs need qnn, which no running process offers"
        wait_until(lambda: told in caplog.messages)
        api.close()


def test_a_worker_serves_its_own_probes_and_metrics(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qai_hub.local.core.needs.CAPABILITIES", ())
    with LocalHub.from_config(replace(team.config(0), metrics=True)) as hub:
        api = Api(hub)
        key, _ = api.compile(api.upload_model())
        api.compile(api.upload_model(), options=QNN)
        config = replace(team.config(3, ("big",)), metrics=True)
        with HubWorker(config, run_attempt=FakeWorker()) as worker:
            api.wait(key)
            assert httpx.get(f"{worker.url}/livez").text == "ok\n"
            ready = httpx.get(f"{worker.url}/readyz").json()
            told = "1 queued jobs need qnn, which no running process offers"
            assert (ready["status"], ready["warnings"]) == ("ready", [told])
            ended = 'qai_hub_jobs_ended_total{failure="",kind="compile",outcome="succeeded"} 1.0'
            wait_until(lambda: ended in get_metrics(worker.url))
            # Each process counts what it has done itself.
            assert ended not in get_metrics(hub.url)
            for url in (worker.url, hub.url):
                for line in (
                    'qai_hub_queue_jobs{needs="qnn"} 1.0',
                    'qai_hub_queue_unserved_jobs{needs="qnn"} 1.0',
                    'qai_hub_nodes{role="worker"} 1.0',
                    'qai_hub_slots{role="worker"} 3.0',
                ):
                    wait_until(partial(serves_metric, url, line))
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{worker.url}/livez")
        api.close()


def serves_metric(url: str, line: str) -> bool:
    return line in get_metrics(url)


def get_metrics(url: str) -> list[str]:
    return httpx.get(f"{url}/metrics").text.splitlines()
