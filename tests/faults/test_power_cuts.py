"""The power is cut at random moments: what the hub has acknowledged is there, and whole.

`make faults` cuts it 30 times; `POWER_CUTS` and `FAULT_SEED` choose the number and the moments.
"""

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from support.fake_worker import FakeWorker
from support.fake_worker_hub import PART_SIZE, TOKEN
from support.hub_http import ok
from support.hub_subprocess import HubSubprocess
from support.hub_workload import (
    AcknowledgedState,
    HubWorkload,
    Upload,
    digest,
    download,
    finish_upload,
    job_request,
    rebase_url,
)
from support.loop_disk import LoopDisk, unavailable_reason

from qai_hub.local import LocalHub

CUTS = int(os.environ.get("POWER_CUTS", "2"))
SEED = int(os.environ.get("FAULT_SEED", "5"))
CLIENTS = 3
TESTS = Path(__file__).parents[1]
_MEBIBYTES = 64
_PATIENCE = 60

pytestmark = pytest.mark.timeout(120 + 20 * CUTS)


class Plant:
    """A hub at work on a disk whose power can be cut, and clients that keep it busy."""

    def __init__(
        self, home: Path, disk: LoopDisk, process: subprocess.Popen[str], url: str
    ) -> None:
        self._home = home
        self._disk = disk
        self._process = process
        self.clients = [HubWorkload(url, TOKEN, SEED + number) for number in range(CLIENTS)]

    def cut(self, name: str) -> tuple[LoopDisk, list[AcknowledgedState]]:
        """Return the disk after a power cut now, and what each client had been told before."""
        told = [client.acknowledged() for client in self.clients]
        self._process.send_signal(signal.SIGSTOP)
        try:
            disk = self._disk.after_power_cut(self._home / f"{name}.img", self._home / name)
        finally:
            self._process.send_signal(signal.SIGCONT)
        return disk, told

    def work(self, seconds: float) -> None:
        """Let the clients work for a while, and until there is something of each kind."""
        for client in self.clients:
            client.may_continue.set()
        time.sleep(seconds)
        deadline = time.monotonic() + _PATIENCE
        while not all(counted([client.acknowledged() for client in self.clients]).values()):
            assert time.monotonic() < deadline, "the hub does nothing"
            time.sleep(0.05)

    def rest(self) -> None:
        for client in self.clients:
            client.may_continue.clear()
            if client.error is not None:
                raise client.error


def counted(told: list[AcknowledgedState]) -> dict[str, int]:
    """Count what has been acknowledged, by its kind."""
    kinds = ("models", "datasets", "uploads", "names", "shared", "jobs", "done")
    return {kind: sum(len(getattr(one, kind)) for one in told) for kind in kinds}


@contextmanager
def plant(home: Path, *how: str) -> Iterator[Plant]:
    """Run a hub whose jobs end at once, for as long as the context lasts."""
    reason = unavailable_reason(home)
    if reason is not None:
        pytest.skip(reason)
    with LoopDisk.create(home / "disk.img", home / "disk", _MEBIBYTES) as disk:
        command = [sys.executable, "-m", "support.fake_worker_hub", str(disk.folder / "data")]
        with subprocess.Popen(
            [*command, "free", *how], stdout=subprocess.PIPE, text=True, cwd=TESTS
        ) as process:
            try:
                assert process.stdout is not None
                running = Plant(home, disk, process, process.stdout.readline().strip())
                for client in running.clients:
                    client.start()
                yield running
                for client in running.clients:
                    client.stopping.set()
                    client.may_continue.set()
                for client in running.clients:
                    client.join()
                running.rest()
            finally:
                process.kill()


def lost_in_database(data: Path, told: AcknowledgedState) -> Iterator[str]:
    """Tell what is not there before any hub has taken the folder up."""
    try:
        with closing(sqlite3.connect(data / "hub.db")) as db:
            states = dict(db.execute("SELECT id, state FROM jobs"))
    except sqlite3.DatabaseError:
        yield "the database"
        return
    yield from (f"job {key}" for key in told.jobs if key not in states)
    yield from (f"end of job {key}" for key in told.done if states.get(key) != "JOB_STATE_DONE")


def lost_to_users(
    hub: LocalHub, told: AcknowledgedState, later: AcknowledgedState
) -> Iterator[str]:
    """Tell what a user misses."""
    headers = {"Authorization": f"token {TOKEN}"}
    with httpx.Client(base_url=f"{hub.url}/api/v1/", headers=headers, timeout=30) as http:
        yield from lost_files(http, told)
        yield from lost_changes(http, told, later)
        for key, model in told.jobs.items():
            again = http.post("jobs/", **job_request(model, told.keys[key]))
            if again.json().get("id") != key:
                yield f"idempotency key of {key}"
        for upload in told.uploads.values():
            if not is_taken_up(http, hub, upload):
                yield f"upload {upload.upload_id}"


def lost_files(http: httpx.Client, told: AcknowledgedState) -> Iterator[str]:
    for kind, path, files in (
        ("model", "models/{}/download/", told.models),
        ("dataset", "datasets/{}/download_data/", told.datasets),
        ("target of", "jobs/{}/download_compiled_model/", told.done),
    ):
        for key, expected in files.items():
            if not is_whole(http, path.format(key), expected):
                yield f"{kind} {key}"


def lost_changes(
    http: httpx.Client, told: AcknowledgedState, later: AcknowledgedState
) -> Iterator[str]:
    """Tell which models are not as they were changed last, or by a change that was under way."""
    for key, name in told.names.items():
        now = http.get(f"models/{key}/").json().get("name")
        if now not in later.names[key].values[name.acknowledged - 1 :]:
            yield f"name of {key}"
    for key, emails in told.shared.items():
        people = sorted(http.get(f"models/{key}/shared_access/").json().get("email", []))
        if people not in later.shared[key].values[emails.acknowledged - 1 :]:
            yield f"sharing of {key}"


def is_taken_up(http: httpx.Client, hub: LocalHub, upload: Upload) -> bool:
    """Send the parts of an upload that had not arrived, end it, and see what has become of it."""
    # It may have ended, unknown to its client, before the power was cut: then this is refused.
    with suppress(AssertionError):
        for index, url in enumerate(upload.urls):
            if index not in upload.etags:
                sent = http.put(rebase_url(url, hub.url), content=upload.part(index))
                assert sent.is_success, sent.text
                upload.etags[index] = sent.headers["ETag"]
        finish_upload(http, upload)
    return is_whole(http, f"models/{upload.model}/download/", digest(upload.content))


def is_whole(http: httpx.Client, path: str, expected: str) -> bool:
    try:
        return digest(download(http, path)) == expected
    except (AssertionError, httpx.HTTPError):
        return False


def lost(
    disk: LoopDisk, told: list[AcknowledgedState], later: list[AcknowledgedState]
) -> list[str]:
    """Tell what is not on a disk of what was acknowledged before its power was cut."""
    data = disk.folder / "data"
    found = [each for one in told for each in lost_in_database(data, one)]
    if "the database" not in found:
        found += [f"file {name}" for name in HubSubprocess(disk.folder, 0).damaged_files()]
    if found:
        return found
    users = {"ada@example.com": TOKEN}
    with LocalHub(data, users=users, run_attempt=FakeWorker(), part_size=PART_SIZE) as hub:
        for one, one_later in zip(told, later, strict=True):
            found += lost_to_users(hub, one, one_later)
        with httpx.Client(headers={"Authorization": f"token {TOKEN}"}, timeout=30) as http:
            for key in (key for one in told for key in one.jobs):
                job = ok(http.get(f"{hub.url}/api/v1/jobs/{key}/", headers={"Prefer": "wait=30"}))
                if job["compile_job"]["job_state"] != "JOB_STATE_DONE":
                    found.append(f"{key}: {job['compile_job']}")
    return found


def test_nothing_acknowledged_is_lost(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(SEED)
    with plant(tmp_path) as hub:
        for number in range(CUTS):
            hub.work(chance.uniform(0.1, 0.8))
            disk, told = hub.cut(f"cut{number}")
            hub.rest()
            with disk:
                assert lost(disk, told, [each.acknowledged() for each in hub.clients]) == []
                if number == CUTS - 1:
                    serve_again(disk)
            (tmp_path / f"cut{number}.img").unlink()
    found = f"{CUTS} cuts; acknowledged before the last: {counted(told)}\n"
    record_property("power cuts", found)


def serve_again(disk: LoopDisk) -> None:
    """See that the hub of the command line, with its own worker, goes on as well."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with HubSubprocess(disk.folder, port) as hub:
        assert httpx.get(f"{hub.url}/livez").is_success
        assert hub.stop(signal.SIGTERM) == 0
    assert hub.damaged_files() == []


@pytest.mark.parametrize("what", ["database", "files"])
def test_the_cuts_show_what_is_not_synced(tmp_path: Path, what: str) -> None:
    with plant(tmp_path, f"unsynced-{what}") as hub:
        hub.work(2)
        disk, told = hub.cut("cut")
        hub.rest()
        with disk:
            assert lost(disk, told, [each.acknowledged() for each in hub.clients])
