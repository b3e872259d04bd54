"""Processes that are killed during a download; FAULT_KILLS of them by `make faults`."""

import os
import random
import time
from pathlib import Path

import pytest
from support.download_process import PARALLEL, SINGLE, start
from support.range_server import RangeServer
from support.transfer_fixtures import session

from qai_hub.transfer.download import download
from qai_hub.transport.session import Session

__all__ = ["session"]

MEBIBYTE = 1 << 20
FILE = random.Random(7).randbytes(8 * MEBIBYTE + 12_345)
# What may be fetched again: bytes that arrived since the state was last written down.
LOSS = 4 * MEBIBYTE + (1 << 16)
KILLS = int(os.environ.get("FAULT_KILLS", "6")) // 2


@pytest.mark.parametrize("large", [SINGLE, PARALLEL])
def test_kills_at_random_moments(session: Session, tmp_path: Path, large: int) -> None:
    """Each process goes on with what the one before had, down to a few MiB, until one is done."""
    chance = random.Random(large)
    streams = 1 if large == SINGLE else 4
    path = tmp_path / "m.bin"
    killed = 0
    while killed < max(KILLS, 1):
        path.unlink(missing_ok=True)
        with RangeServer(FILE, rate=8e6 / streams) as server:
            for _ in range(4):
                child = start(f"{server.url}/f", path, large)
                assert child.stdout is not None
                child.stdout.readline()
                time.sleep(chance.uniform(0.0, 1.2))
                child.kill()
                child.communicate()
                killed += 1
                assert not path.exists() or path.read_bytes() == FILE
            server.rate = None
            finished = path.exists()
            download(session, f"{server.url}/f", path)
            assert path.read_bytes() == FILE
            if not finished:
                assert server.sent - len(FILE) <= 4 * (LOSS + streams * MEBIBYTE)
        assert [each.name for each in tmp_path.iterdir()] == ["m.bin"]
