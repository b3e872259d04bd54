"""A hub of several processes whose files are in a folder that they share."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from support.hub_http import Api

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig


@pytest.fixture
def apis(emptied_postgresql_url: str, tmp_path: Path) -> Iterator[list[Api]]:
    """Connections to two processes that answer requests."""
    config = HubConfig(
        database=emptied_postgresql_url,
        data_dir=tmp_path,
        max_parallel_jobs=0,
        users=(("ada@example.com", "token-of-ada"),),
        part_size=1000,
        validate_responses=True,
    )
    with ExitStack() as stack:
        webs = [stack.enter_context(LocalHub.from_config(config)) for _ in range(2)]
        made = [Api(web, "ada@example.com") for web in webs]
        for api in made:
            stack.callback(api.close)
        yield made


def download(api: Api, path: str) -> bytes:
    return httpx.get(api.get(path)["url"]["url"]).content


def test_parts_may_arrive_by_different_processes(apis: list[Api]) -> None:
    content = random.Random(3).randbytes(2500)
    key = apis[0].create_model()
    path = f"models/{key}/multipart_upload/"
    begun = apis[0].get(path, file_size=len(content))["multipart_url"]
    other = apis[1].get(path, file_size=len(content), upload_id=begun["upload_id"])["multipart_url"]
    # The first one twice, with other bytes before.
    assert httpx.put(begun["urls"][0], content=bytes(1000)).is_success
    urls = [other["urls"][0], begun["urls"][1], other["urls"][2]]
    etags = [
        httpx.put(url, content=content[index * 1000 : (index + 1) * 1000]).headers["ETag"]
        for index, url in enumerate(urls)
    ]
    apis[1].post(path, {"upload_id": begun["upload_id"], "etags": etags})
    assert download(apis[0], f"models/{key}/download/") == content
    assert httpx.put(begun["urls"][0], content=bytes(1000)).status_code == 409
    assert download(apis[1], f"models/{key}/download/") == content


def test_a_form_may_arrive_by_another_process(apis: list[Api]) -> None:
    key = apis[0].upload_dataset(b"data of the form")
    assert download(apis[1], f"datasets/{key}/download_data/") == b"data of the form"
