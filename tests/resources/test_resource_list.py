"""Lists that notebooks show as tables, and that are plain lists in all else."""

import asyncio
import copy
import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.fake_worker import FakeWorker
from support.html_tags import assert_harmless
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.aio import AsyncClient
from qai_hub.client import Client
from qai_hub.local import LocalHub


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with LocalHub(users=[ME], run_attempt=FakeWorker()) as running:
        client = running.client(ME)
        device = hub.Device("Samsung Galaxy S24")
        model = client.upload_model(affine(), "affine")
        client.upload_dataset({"x": [np.zeros(4, np.float32)]}, "zeros")
        hub.wait_all([client.submit_compile_job(model, device, f"job {n}") for n in range(2)])
        yield client


def table_of(items: Any) -> str | None:
    """What a notebook shows of a list."""
    shown: str | None = items._repr_html_()
    return shown


def lists(client: Client) -> dict[str, Sequence[object]]:
    """Each list that a client returns, by a text that its table holds."""
    jobs = client.submit_compile_job(
        client.get_models()[0],
        [hub.Device("Samsung Galaxy S24"), hub.Device("Samsung Galaxy S23")],
        "both",
        single_compile=False,
    )
    assert isinstance(jobs, list)
    return {
        "Samsung Galaxy S24 Ultra": client.get_devices(),
        "onnxruntime": client.get_frameworks(),
        "job 1": client.get_job_summaries(),
        "affine": client.get_models(),
        "zeros": client.get_datasets(),
        "both": jobs,
        "success": hub.wait_all(jobs),
    }


def test_the_lists_of_a_client_are_tables(client: Client) -> None:
    for text, items in lists(client).items():
        assert text in assert_harmless(table_of(items) or "").text
        assert isinstance(items, list)
        # The interpreter shows them as before.
        assert repr(items) == repr(list(items))


def test_the_lists_of_an_asynchronous_client_are_tables(client: Client) -> None:
    async def collect() -> list[Sequence[object]]:
        asynchronous = AsyncClient(client.config)
        jobs = await asynchronous.get_job_summaries()
        return [
            jobs,
            await hub.aio.wait_all([await asynchronous.get_job(jobs[0].job_id)]),
            await asynchronous.get_devices(),
            await asynchronous.get_frameworks(),
            await asynchronous.get_models(),
            await asynchronous.get_datasets(),
        ]

    for items in asyncio.run(collect()):
        assert "<table" in (table_of(items) or "")


def test_they_are_plain_lists_in_all_else(client: Client) -> None:
    devices = client.get_devices("Samsung Galaxy S24")
    plain = list(devices)
    assert devices == plain
    assert plain == devices
    assert devices + plain == plain * 2
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(devices, protocol)) == plain
    assert copy.copy(devices) == copy.deepcopy(devices) == plain
    assert json.loads(json.dumps(devices, default=asdict)) == [asdict(plain[0])]
    assert list(pd.DataFrame(devices).name) == ["Samsung Galaxy S24"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(devices)
    # Methods that take a list of devices take one of these.
    job = client.submit_compile_job(client.get_models()[0], devices)
    assert job.device.name == "Samsung Galaxy S24"


def test_slices_are_tables_and_items_are_not_wrapped(client: Client) -> None:
    devices = client.get_devices()
    page = assert_harmless(table_of(devices[1:4]) or "")
    assert page.tags.count("tr") == 1 + 3
    assert type(devices[0]) is hub.Device


def test_a_list_of_nothing_or_of_something_else_is_shown_as_text(client: Client) -> None:
    assert table_of(client.get_job_summaries(limit=0)) is None
    mixed: Any = client.get_devices()
    mixed.append("a text")
    assert table_of(mixed) is None
