"""Processes that upload are killed at random moments, and others go on where they stopped.

`make faults` kills 100 times; `FAULT_UPLOAD_KILLS` and `FAULT_SEED` choose the number and the
moments.
"""

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from support.cutting_relay import CuttingRelay
from support.hub_http import Api
from support.object_storage import ENVIRONMENT, running_storage
from support.postgresql_server import running_server
from support.upload_forks import UploadForks

from qai_hub.client import ClientConfig
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig

KILLS = int(os.environ.get("FAULT_UPLOAD_KILLS", "3"))
SEED = int(os.environ.get("FAULT_SEED", "5"))
# More than the buffers of sockets hold, since what is in these arrives although the sender was
# killed.
PART = 6_000_000
PARTS = 12
# How many parts a client sends at a time, so that as many may be lost with it.
_AT_A_TIME = 4
# Seconds to wait for the first part; less if all of them were there already.
_PATIENCE = 2
# Seconds after each of the pieces in which a part is passed on, so that kills come in between.
_PAUSE = 0.001

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL"),
    pytest.mark.timeout(120 + 10 * KILLS),
]


class Victim:
    """One file after the other, uploaded by processes that are killed.

    Attributes:
        kills: How many were killed before they had ended.
        repeated: How many parts each process sent that had been sent before.
    """

    def __init__(self, api: Api, relay: CuttingRelay, forks: UploadForks, path: Path) -> None:
        self.kills = 0
        self.repeated: list[int] = []
        self._api = api
        self._relay = relay
        self._forks = forks
        self._path = path
        self._chance = random.Random(SEED)

    def upload(self) -> None:
        """Upload a new file, until it is there."""
        content = self._chance.randbytes(PARTS * PART - self._chance.randrange(PART))
        self._path.write_bytes(content)
        before = self._complete_models()
        while not (new := self._complete_models() - before):
            self._run()
        (model_id,) = new
        url = self._api.get(f"models/{model_id}/download/")["url"]["url"]
        assert httpx.get(url).content == content

    def _run(self) -> None:
        known, before = set(self._relay.stored), list(self._relay.begun)
        process = self._forks.start()
        if self.kills < KILLS:
            self._wait_for_a_moment(len(before))
            # Until it is waited for, its number is nobody else's.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        status = self._forks.wait()
        assert status in (0, -signal.SIGKILL)
        self.kills += status != 0
        # What is on its way has arrived when the next process begins, or arrives meanwhile.
        if self._chance.random() < 0.5:
            time.sleep(0.15)
        sent = set(self._relay.begun[len(before) :])
        # What had been acknowledged before this process began is not sent again.
        assert not sent & known
        self.repeated.append(len(sent.intersection(before)))

    def _wait_for_a_moment(self, begun: int) -> None:
        """Wait for a random moment: before the first part, or while parts are sent, or after."""
        if self._chance.random() < 0.1:
            time.sleep(self._chance.uniform(0, 0.3))
            return
        deadline = time.monotonic() + _PATIENCE
        while len(self._relay.begun) == begun and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self._chance.uniform(0, 0.25))

    def _complete_models(self) -> set[str]:
        models = self._api.get("models/", limit=1000)["models"]
        return {model["model_id"] for model in models if model["file_upload_complete"]}


class Site(NamedTuple):
    """A hub, and a relay through which parts reach where they are stored."""

    hub: LocalHub
    relay: CuttingRelay
    api_url: str


@contextlib.contextmanager
def files_in_a_folder() -> Iterator[Site]:
    with (
        LocalHub(part_size=PART) as hub,
        CuttingRelay(int(hub.url.rpartition(":")[2]), pause=_PAUSE) as relay,
    ):
        yield Site(hub, relay, relay.url)


@contextlib.contextmanager
def files_in_a_bucket() -> Iterator[Site]:
    """Parts go past the hub, which knows of them what the storage tells."""
    with (
        running_server() as database,
        running_storage() as storage,
        CuttingRelay(storage.port, pause=_PAUSE) as relay,
        tempfile.TemporaryDirectory() as folder,
    ):
        config = HubConfig(
            database=database.create_database(),
            files=storage.url("team", int(relay.url.rpartition(":")[2])),
            data_dir=Path(folder),
            part_size=PART,
        )
        with LocalHub.from_config(config) as hub:
            yield Site(hub, relay, hub.url)


@pytest.mark.parametrize("place", [files_in_a_folder, files_in_a_bucket])
def test_at_most_the_parts_under_way_are_sent_again(
    place: Callable[[], contextlib.AbstractContextManager[Site]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    for name, value in {**ENVIRONMENT, "XDG_CACHE_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    path, uploads = tmp_path / "model.onnx", 0
    with (
        place() as site,
        contextlib.closing(Api(site.hub)) as api,
        UploadForks(ClientConfig(site.hub.token(), site.api_url, site.api_url), path) as forks,
    ):
        victim = Victim(api, site.relay, forks, path)
        while victim.kills < KILLS:
            victim.upload()
            uploads += 1
    assert max(victim.repeated) <= _AT_A_TIME
    record_property(
        "killed uploads",
        f"{victim.kills} kills during {uploads} uploads of {PARTS} parts: {sum(victim.repeated)} "
        f"parts were sent again, {max(victim.repeated)} at most by one process\n",
    )
