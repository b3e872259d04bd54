"""The configurations of TLS proxies: a client works through each, where the proxy is installed."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import trustme
from support.object_storage import free_ports
from support.page_blocks import blocks
from support.postgresql_server import running_server
from support.tiny_models import affine

from qai_hub.client import Client, Device
from qai_hub.config import ClientConfig
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig

PAGE = "docs/recipes/tls-proxy.md"
# Where the hubs of the page listen.
PORTS = ("127.0.0.1:8642", "127.0.0.1:8643")
DEVICE = Device("Samsung Galaxy S24")


@pytest.fixture(scope="module")
def hub() -> Iterator[LocalHub]:
    # As small as parts may be, so that an upload has several.
    with LocalHub(allowed_hosts=["localhost"], part_size=1 << 20) as running:
        yield running


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    return folder


def nginx(folder: Path, certificates: Path, port: int, *hubs: str) -> list[str]:
    server, upstream = blocks(PAGE, "nginx")
    if len(hubs) > 1:
        server = server.replace("http://127.0.0.1:8642", "http://hub")
        server = f"{upstream}\n{server}"
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/hub.example.com.pem": str(certificates / "cert.pem"),
        "/etc/ssl/private/hub.example.com.key": str(certificates / "key.pem"),
        **dict(zip(PORTS, hubs, strict=False)),
    }.items():
        assert old in server
        server = server.replace(old, new)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{server}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)]


def caddy(folder: Path, certificates: Path, port: int, *hubs: str) -> list[str]:
    site = blocks(PAGE, "text")[len(hubs) - 1]
    for old, new in {
        "hub.example.com {": f"https://localhost:{port} {{\n"
        f"\tbind 127.0.0.1\n\ttls {certificates / 'cert.pem'} {certificates / 'key.pem'}",
        **dict(zip(PORTS, hubs, strict=False)),
    }.items():
        assert old in site
        site = site.replace(old, new)
    configuration = folder / "Caddyfile"
    configuration.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{site}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(configuration)]


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, env=os.environ | {"HOME": str(folder)}, stdout=output, stderr=output
        ) as process,
    ):
        try:
            deadline = time.monotonic() + 20
            while not _listens(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture(params=PROXIES)
def name(
    request: pytest.FixtureRequest, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The name of a proxy, whose certificates clients trust."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "ca.pem"))
    return str(request.param)


def test_files_and_waits_pass_through(
    name: str, port: int, hub: LocalHub, certificates: Path, tmp_path: Path
) -> None:
    command = PROXIES[name](tmp_path, certificates, port, urlsplit(hub.url).netloc)
    address = f"https://localhost:{port}"
    with running(command, tmp_path, port):
        client = Client(ClientConfig(hub.token(), api_url=address, web_url=address))
        # More than what nginx takes by default, and than one part.
        samples = [np.random.default_rng(0).random((1, 1 << 20), np.float32)]
        dataset = client.upload_dataset({"x": samples}, "much")
        job = client.submit_compile_job(affine(), DEVICE)
        assert job.wait().success
        inference = client.submit_inference_job(
            job.get_target_model(), DEVICE, {"x": [np.ones((1, 4), np.float32)]}
        )
        outputs = inference.download_output_data()
        assert outputs is not None
        np.testing.assert_array_equal(outputs["y"], [[[3.0] * 4]])
        received = dataset.download(str(tmp_path / "received"))
    assert Path(received).stat().st_size > 2 << 20


def test_several_web_processes_are_one_hub(
    name: str, port: int, certificates: Path, tmp_path: Path
) -> None:
    with running_server() as server, ExitStack() as stack:
        config = HubConfig(
            database=server.create_database(),
            data_dir=tmp_path / "data",
            allowed_hosts=("localhost", "hub.example.com"),
            part_size=1 << 20,
            warm_workers=False,
        )
        hubs = [stack.enter_context(LocalHub.from_config(config)) for _ in range(2)]
        command = PROXIES[name](
            tmp_path, certificates, port, *(urlsplit(hub.url).netloc for hub in hubs)
        )
        address = f"https://localhost:{port}"
        with running(command, tmp_path, port):
            client = Client(ClientConfig(hubs[0].token(), api_url=address, web_url=address))
            samples = [np.random.default_rng(0).random((1, 1 << 20), np.float32)]
            dataset = client.upload_dataset({"x": samples}, "much")
            # One process goes while a job is waited for.
            job = client.submit_compile_job(affine(), DEVICE)
            hubs[1].stop()
            assert job.wait(60).success
            received = dataset.download(str(tmp_path / "received"))
    assert Path(received).stat().st_size > 2 << 20
