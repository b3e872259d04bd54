"""Runs an S3-compatible object storage on loopback, in a temporary folder."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import Connection
from support.child_processes import ended_with_parent

from qai_hub.local.files.bucket import Bucket
from qai_hub.local.store import Store

BUCKET = "hub"
ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": "hub-key",
    "AWS_SECRET_ACCESS_KEY": "s3cret-of-the-bucket",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""The environment of a process that uses it."""

_IDENTITIES = {
    "identities": [
        {
            "name": "hub",
            "credentials": [
                {
                    "accessKey": ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                    "secretKey": ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
                }
            ],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}
_SERVICES = ("master", "volume", "filer", "s3")


class ObjectStorage:
    """A server with one bucket.

    Args:
        folder: The folder of its data, which may have those of an earlier server.

    Attributes:
        is_new: Whether it has no bucket yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        names = [f"{name}.port{kind}" for name in _SERVICES for kind in ("", ".grpc")]
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "identities.json").write_text(json.dumps(_IDENTITIES))
        self.is_new = not (folder / "data").exists()
        (folder / "data").mkdir(exist_ok=True)

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._ports["s3.port"]

    @property
    def pid(self) -> int:
        """The number of its process, which is running."""
        assert self._process is not None
        return self._process.pid

    def url(self, prefix: str, port: int | None = None) -> str:
        """Return the URL of a part of the bucket.

        Args:
            prefix: What keys begin with.
            port: The port of a proxy in front of the server; None for none.
        """
        endpoint = f"http://127.0.0.1:{port or self.port}"
        return f"s3://{BUCKET}/{prefix}?{urlencode({'endpoint': endpoint, 'region': 'us-east-1'})}"

    def start(self) -> None:
        """Start it; returns once it answers."""
        is_new = self.is_new
        ports = [f"-{name}={port}" for name, port in self._ports.items()]
        self._process = subprocess.Popen(
            [
                *(Path(sys.executable).parent / "weed", "server", f"-dir={self._folder / 'data'}"),
                *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"),
                *(
                    "-s3",
                    f"-s3.config={self._folder / 'identities.json'}",
                    "-s3.port.iceberg=0",
                    "-s3.port.lance=0",
                ),
                # In its folder, since their paths may have 107 bytes at most.
                *(f"-{name}.localSocket={name}" for name in ("filer", "s3")),
                *("-volume.max=100", "-master.volumeSizeLimitMB=256", *ports),
                # Otherwise it takes 20 seconds until a server that was killed is back.
                *("-master.electionTimeout=1s", "-master.heartbeatInterval=100ms"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            start_new_session=True,
            preexec_fn=ended_with_parent(),  # noqa: PLW1509 - it only calls prctl
        )
        for _ in range(1200):
            try:
                answer = httpx.get(f"http://127.0.0.1:{self.port}/status")
                # It answers before it can write to what is there.
                if answer.status_code < 500 and (is_new or _can_write(self.port)):
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError("The object storage does not start")

    def stop(self) -> None:
        """Stop it at once; what it has acknowledged is there when it starts again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@contextmanager
def running_storage() -> Iterator[ObjectStorage]:
    """Run a server with an empty bucket; its folder is removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    storage = ObjectStorage(folder)
    try:
        storage.start()
        make_bucket(storage.port)
        yield storage
    finally:
        storage.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _make_client(port: int) -> Any:
    from botocore.session import Session

    session = Session()
    session.set_credentials(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"])
    return session.create_client(
        "s3", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{port}"
    )


def _can_write(port: int) -> bool:
    """Return whether the bucket can be written."""
    from botocore.exceptions import BotoCoreError, ClientError

    client, place = _make_client(port), {"Bucket": BUCKET, "Key": "probe"}
    try:
        client.put_object(**place)
        client.delete_object(**place)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] < 500)
    except BotoCoreError:
        return False
    return True


def make_bucket(port: int) -> None:
    """Create the bucket."""
    _make_client(port).create_bucket(Bucket=BUCKET)


def unique_prefix() -> str:
    """Return a prefix that no other test uses."""
    return f"team/{secrets.token_hex(6)}"


@contextmanager
def requests_within_transactions() -> Iterator[list[str]]:
    """Note the requests of this process that keep a writing transaction, and so others, waiting."""
    found: list[str] = []
    inside = threading.local()
    write, call = Store.write, Bucket.call

    @contextmanager
    def watched_write(store: Store, **options: Any) -> Iterator[Connection]:
        with write(store, **options) as db:
            inside.writes = True
            try:
                yield db
            finally:
                inside.writes = False

    def watched_call(bucket: Bucket, operation: str, **parameters: Any) -> dict[str, Any]:
        if getattr(inside, "writes", False):
            found.append(operation)
        return call(bucket, operation, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "write", watched_write)
        patch.setattr(Bucket, "call", watched_call)
        yield found
