"""Processes that upload are killed at random moments, and others go on where they stopped.

`make faults` kills 100 times; `FAULT_UPLOAD_KILLS` and `FAULT_SEED` choose the number and the
moments.
"""

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.hub_http import Api
from support.scripted_server import ScriptedServer, Step
from support.upload_forks import UploadForks
from support.upload_proxy import UploadProxy

from qai_hub.local import LocalHub

KILLS = int(os.environ.get("FAULT_UPLOAD_KILLS", "5"))
SEED = int(os.environ.get("FAULT_SEED", "5"))
PART = 50_000
PARTS = 60
# How many parts a client sends at a time, so that as many may be lost with it.
_AT_A_TIME = 4
# Seconds that the hub takes for a part, so that there is time for a kill.
_PAUSE = 0.03

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL"),
    pytest.mark.timeout(120 + 10 * KILLS),
]


def dawdle(number: int) -> Step | None:
    """What the proxy does with a part before it passes it on."""
    time.sleep(_PAUSE)
    return None


class Victim:
    """One file after the other, uploaded by processes that are killed.

    Attributes:
        kills: How many were killed before they had ended.
        repeated: How many parts each process sent that had been sent before.
    """

    def __init__(self, api: Api, proxy: UploadProxy, forks: UploadForks, path: Path) -> None:
        self.kills = 0
        self.repeated: list[int] = []
        self._api = api
        self._proxy = proxy
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
        known, before = set(self._proxy.stored), set(self._proxy.sent)
        counted = self._proxy.sent.copy()
        process = self._forks.start()
        if self.kills < KILLS:
            time.sleep(self._chance.uniform(0, 0.6))
            # Until it is waited for, its number is nobody else's.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        status = self._forks.wait()
        assert status in (0, -signal.SIGKILL)
        self.kills += status != 0
        # What is on its way has arrived when the next process begins, or arrives meanwhile.
        if self._chance.random() < 0.5:
            time.sleep(5 * _PAUSE)
        sent = (self._proxy.sent - counted).keys()
        # What had been acknowledged before this process began is not sent again.
        assert not sent & known
        self.repeated.append(len(sent & before))

    def _complete_models(self) -> set[str]:
        models = self._api.get("models/", limit=1000)["models"]
        return {model["model_id"] for model in models if model["file_upload_complete"]}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with LocalHub(part_size=PART) as running:
        yield running


def test_at_most_the_parts_under_way_are_sent_again(
    hub: LocalHub, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    proxy, path, uploads = UploadProxy(hub, dawdle), tmp_path / "model.onnx", 0
    with (
        contextlib.closing(Api(hub)) as api,
        ScriptedServer(proxy) as server,
        UploadForks(proxy.config(server), path) as forks,
    ):
        victim = Victim(api, proxy, forks, path)
        while victim.kills < KILLS:
            victim.upload()
            uploads += 1
    assert max(victim.repeated) <= _AT_A_TIME
    record_property(
        "killed uploads",
        f"{victim.kills} kills during {uploads} uploads of {PARTS} parts: {sum(victim.repeated)} "
        f"parts were sent again, {max(victim.repeated)} at most by one process\n",
    )
