"""Datasets that need not fit into memory: uploaded from iterators, read one sample at a time."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qai_hub_api.api.datasets import create_dataset
from qai_hub_api.models import DatasetCreate
from support.users import ME

import qai_hub as hub
from qai_hub.aio import AsyncClient
from qai_hub.client import Client, Model
from qai_hub.client.file_upload import upload_dataset_file
from qai_hub.config import save_config
from qai_hub.driver import run_blocking
from qai_hub.local import LocalHub

Array = np.ndarray[Any, Any]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def samples(count: int) -> Iterator[Array]:
    return (np.full((2, 4), index, np.float32) for index in range(count))


def test_outputs_of_a_job_on_samples_from_an_iterator(
    client: Client, target: Model, device: hub.Device, temporary: Path
) -> None:
    job = client.submit_inference_job(target, device, {"x": samples(3)}, profile=False)
    assert job.inputs is not None
    assert job.inputs.data is None
    assert job.wait(240).success
    assert list(temporary.iterdir()) == []
    outputs = job.get_output_dataset()
    assert outputs is not None
    with outputs.open() as data:
        assert len(list(temporary.iterdir())) == 1
        assert {name: len(each) for name, each in data.items()} == {"y": 3}
        for index, y in enumerate(data["y"]):
            np.testing.assert_allclose(y, 2 * index + 1)
        next_job = client.submit_inference_job(target, device, {"x": data["y"]}, profile=False)
    assert list(temporary.iterdir()) == []
    again = next_job.download_output_data()
    assert again is not None
    np.testing.assert_allclose(again["y"][2], 2 * 5 + 1)


@pytest.mark.parametrize("wire", ["json", "protobuf"])
def test_in_an_event_loop(lh: LocalHub, temporary: Path, wire: Any) -> None:
    async def use() -> None:
        async with AsyncClient(replace(lh.config(ME), wire=wire)) as client:
            dataset = await client.upload_dataset({"x": samples(2), "y": samples(2)})
            assert dataset.name == "x, y"
            with await client.open_dataset(dataset) as data:
                assert (list(data), data["y"][-1][0, 0]) == (["x", "y"], 1)

    asyncio.run(use())
    assert list(temporary.iterdir()) == []


def test_a_bad_sample_creates_no_dataset(client: Client, temporary: Path) -> None:
    before = [dataset.dataset_id for dataset in client.get_datasets()]
    wrong: list[Array] = [np.zeros(1, np.float32), np.zeros(1)]
    with pytest.raises(hub.UserError, match="Sample 1 of 'x' has the dtype float64"):
        client.upload_dataset({"x": iter(wrong)})
    assert [dataset.dataset_id for dataset in client.get_datasets()] == before
    assert list(temporary.iterdir()) == []


def test_a_download_that_is_no_dataset_leaves_no_file(client: Client, temporary: Path) -> None:
    body = DatasetCreate(name="broken", permanent=False)
    created = client._connection.call(create_dataset.sync, body=body)
    file = temporary.parent / "d.h5"
    file.write_text("nothing of the sort")
    run_blocking(upload_dataset_file(client._driver, created.id, file))
    dataset = client.get_dataset(created.id)
    with pytest.raises(hub.UserError, match="is no HDF5 file"):
        dataset.open()
    assert list(temporary.iterdir()) == []


CHILD = """
import re, sys
import numpy as np
import qai_hub as hub

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) >> 10

def samples(count):
    return (np.full(4 << 20, index, np.uint8) for index in range(count))

def use(client, count):
    dataset = client.upload_dataset({"x": samples(count)})
    path = dataset.download("d.h5")
    with client.upload_dataset(path).open() as data:
        client.upload_dataset({"y": data["x"]}).download("e.h5")
        return sum(int(sample[-1]) for sample in data["x"])

client = hub.Client(profile="test")
use(client, 1)
before = peak()
print(use(client, 24), peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="its peak of memory is not known")
def test_a_dataset_passes_through_in_the_memory_of_a_few_samples(
    lh: LocalHub, tmp_path: Path
) -> None:
    save_config(lh.config(ME), "test", environ={}, home=tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    total, grown = map(int, done.stdout.split())
    assert total == sum(range(24))
    # The dataset has 96 MiB.
    assert grown < 32
