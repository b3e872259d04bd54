"""Uploads of datasets where the disk is full, in a process of its own: HDF5 would end it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import resource, sys
import numpy as np
import qai_hub as hub

client = hub.Client(hub.ClientConfig("token", "http://127.0.0.1:9"))
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
samples = [np.random.default_rng(0).random((64, 64)) for _ in range(4)]
try:
    client.upload_dataset({"x": [sample.astype(np.float32) for sample in samples]})
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no such limit")
@pytest.mark.parametrize("limit", [1000, 5000, 40_000])
def test_a_dataset_that_does_not_fit(limit: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(limit)],
        env=os.environ | {"TMPDIR": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("[Errno 27] File too large: '")
    assert list(tmp_path.iterdir()) == []
