"""Proxies and certificates that the environment names, and that cannot be used."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.clean_environment import plain_environment
from support.job_hub import JobHub
from support.secret_assertions import assert_not_exposed

import qai_hub as hub

__all__ = ["plain_environment"]

TOKEN = "t0ken-s3cret"


def call(job: hub.Job) -> object:
    return job.get_status()


def call_async(job: hub.Job) -> object:
    return asyncio.run(job.wait_async())


def transfer(job: hub.Job) -> object:
    scheme = job._owner.config.api_url.partition(":")[0]
    return job._owner._connection.files.download(f"{scheme}://127.0.0.1:9/f", "f", "f")


@pytest.mark.parametrize("use", [call, call_async, transfer])
@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HTTP_PROXY", "gopher://user:s3cret@proxy:1", "HTTP_PROXY"),
        ("ALL_PROXY", "http://[::1", "http://host:port"),
        ("ALL_PROXY", "http://user:s3cret@host:port", "http://host:port"),
        ("HTTP_PROXY", "socks5://127.0.0.1:1", r"httpx\[socks\]"),
        ("SSL_CERT_FILE", "/nowhere", "SSL_CERT_FILE=/nowhere.*No such file"),
        ("SSL_CERT_FILE", __file__, "SSL_CERT_FILE=.*cannot be read"),
    ],
)
def test_what_cannot_be_used_is_told(
    plain_environment: pytest.MonkeyPatch,
    use: Callable[[hub.Job], Any],
    name: str,
    value: str,
    told: str,
    tmp_path: Path,
) -> None:
    plain_environment.chdir(tmp_path)
    with JobHub() as server:
        job = server.client().get_job("ja")
        url = server.server.url
        if name.startswith("SSL"):
            url = url.replace("http:", "https:")
        job._owner = hub.Client(hub.ClientConfig(TOKEN, url, url))
        plain_environment.setenv(name, value)
        with pytest.raises(hub.UserError, match=told) as caught:
            use(job)
    assert_not_exposed("s3cret", caught.value)


def test_certificates_are_read_for_tls_only(plain_environment: pytest.MonkeyPatch) -> None:
    plain_environment.setenv("SSL_CERT_FILE", "/nowhere")
    with JobHub() as server:
        url = server.server.url
        assert hub.Client(hub.ClientConfig(TOKEN, url, url)).get_job("ja").job_id == "ja"
