"""Uploads of datasets where the disk is full, in a process of its own: HDF5 would end it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import itertools, resource, sys
import numpy as np
import qai_hub as hub

client = hub.Client(hub.ClientConfig("token", "http://127.0.0.1:9"))
noise = np.random.default_rng(0).random((4, 64, 64)).astype(np.float32)
taken = itertools.count()
entries = {
    "list": lambda: [*noise],
    "endless": lambda: (noise[number % 4] for number in taken),
}
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    client.upload_dataset({"x": entries[sys.argv[1]]()})
except OSError as error:
    print(error, next(taken))
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no such limit")


def upload(entries: str, limit: int, tmp_path: Path) -> int:
    """Upload a dataset where files may be no larger; returns how many samples were taken."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, entries, str(limit)],
        env=os.environ | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("[Errno 27] File too large: '")
    assert list(tmp_path.iterdir()) == []
    return int(done.stdout.rpartition(" ")[2])


@pytest.mark.parametrize("limit", [1000, 5000, 40_000])
def test_a_dataset_that_does_not_fit(limit: int, tmp_path: Path) -> None:
    upload("list", limit, tmp_path)


def test_no_more_samples_are_taken_once_the_disk_is_full(tmp_path: Path) -> None:
    assert 20 < upload("endless", 400_000, tmp_path) < 40
