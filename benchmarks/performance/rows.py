"""The rows of the table: what is measured, beside what, and the target."""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import submissions
import trustme
import wire

from performance.counting_proxy import counting_proxy
from performance.hub_rows import (
    hub_memory,
    hub_memory_after_jobs,
    pages_of_jobs,
    requests_of_hub,
    start_of_hub,
)
from performance.large_model import compile_large
from performance.setup import (
    OFFICIAL,
    OURS,
    Contenders,
    Setup,
    hub,
    made_file,
    processor_seconds,
    small_model,
    upload,
)
from qai_hub.local.engine.environment import worker_environment


def both(measure: Callable[[str], float]) -> Contenders:
    """Returns the two clients as contenders, given what measures one."""
    return {client: partial(measure, client) for client in (OFFICIAL, OURS)}


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        name: What is measured.
        unit: Unit of the figures.
        ours: The contender that is judged.
        base: The contender that the ratio is taken to; empty if the figure itself is judged.
        limit: The target: the largest ratio or figure, or the smallest one if `more` is set.
        contenders: Prepares the measurement, and yields what to call for one figure of each.
        rounds: How often each is called, in turns.
        more: Whether more is better.
    """

    name: str
    unit: str
    ours: str
    base: str
    limit: float
    contenders: Callable[[Setup], "Any"]
    rounds: int = 5
    more: bool = False


@contextmanager
def imports_time(setup: Setup) -> Iterator[Contenders]:
    """Processor milliseconds of an import beyond a bare interpreter."""

    def measure(python: str) -> float:
        bare = processor_seconds([python, "-P", "-c", "pass"])
        return (processor_seconds([python, "-P", "-c", "import qai_hub"]) - bare) * 1e3

    yield both(lambda client: measure(setup.python(client)))


@contextmanager
def imports_memory(setup: Setup) -> Iterator[Contenders]:
    """MiB of an import beyond a bare interpreter."""
    resident = "print(next(line for line in open('/proc/self/status') if 'VmRSS' in line))"

    def mebibytes(python: str, code: str) -> float:
        command = [python, "-P", "-c", f"{code}; {resident}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return int(done.stdout.split()[1]) / 1024

    def measure(python: str) -> float:
        return mebibytes(python, "import qai_hub") - mebibytes(python, "pass")

    yield both(lambda client: measure(setup.python(client)))


@contextmanager
def first_call(setup: Setup) -> Iterator[Contenders]:
    """Processor milliseconds of a process that imports the client and gets one job."""
    with prepared_server(setup) as (url, _):
        script = str(wire.HERE / "first_call.py")

        def measure(client: str) -> float:
            extra = ["json"] if client == OURS else []
            return processor_seconds([setup.python(client), "-P", script, url, *extra]) * 1e3

        yield both(measure)


@contextmanager
def prepared_server(setup: Setup, *, tls: bool = False) -> Iterator[tuple[str, Path]]:
    """Runs the server of prepared responses; yields its address and the file of its authority."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wire.make_bodies(folder)
        authority = trustme.CA()
        trust, certificate, key = folder / "ca.pem", folder / "cert.pem", folder / "key.pem"
        authority.cert_pem.write_to_path(trust)
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(key)
        issued.cert_chain_pems[0].write_to_path(certificate)
        with wire.served(folder, *((certificate, key) if tls else ())) as port:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{port}", trust


def calls(call: str, *, tls: bool = False, protocol: str = "json") -> Callable[[Setup], Any]:
    """Returns a row's contenders for a call, in microseconds: the first decile of its times."""

    @contextmanager
    def prepare(setup: Setup) -> Iterator[Contenders]:
        with prepared_server(setup, tls=tls) as (url, trust):
            seconds = 0.5 * setup.scale

            def measure(client: str) -> float:
                extra = [protocol] if client == OURS else []
                arguments = (url, seconds, *extra)
                printed = wire.run(
                    setup.python(client), "measure_calls.py", *arguments, trust=trust
                )
                return float(json.loads(printed)[call])

            yield both(measure)

    return prepare


def on_hub(
    task: str,
    figure: str,
    *arguments: object,
    factor: float = 1e3,
    holds: bool = True,
    repeats: int = 0,
    clients: tuple[str, ...] = (OFFICIAL, OURS),
    **settings: object,
) -> Callable[[Setup], Any]:
    """Returns a row's contenders for a task with a small model on a hub."""

    @contextmanager
    def prepare(setup: Setup) -> Iterator[Contenders]:
        with hub(**settings) as url, counting_proxy(url, holds=holds) as proxy:
            model = upload(url, small_model())
            given = [*arguments, *([setup.count(repeats)] if repeats else [])]

            def measure(client: str) -> float:
                before = proxy.requests
                found = setup.work(client, task, proxy.url, model, *given)
                if figure == "requests":
                    return (proxy.requests - before) / setup.count(repeats)
                return found[figure] * factor

            yield {client: partial(measure, client) for client in clients}

    return prepare


@contextmanager
def compiler_alone(setup: Setup) -> Iterator[Contenders]:
    """Milliseconds of a small context binary, by a hub and by the compiler alone."""
    with hub(cache=False, check_targets=False) as url:
        model = upload(url, small_model())
        options = "--target_runtime qnn_context_binary"
        script = str(Path(__file__).parent / "compile_alone.py")

        def alone() -> float:
            done = subprocess.run(
                [sys.executable, script, str(setup.count(10))],
                check=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=worker_environment(setup.folder),
            )
            return float(done.stdout.splitlines()[-1]) * 1e3

        def ours() -> float:
            return setup.work(OURS, "run_small", url, model, options, setup.count(10))["wall"] * 1e3

        yield {"compiler alone": alone, OURS: ours}


def transfers(direction: str, figure: str, mebibytes: int) -> Callable[[Setup], Any]:
    """Returns a row's contenders for moving a large file to or from a hub."""

    @contextmanager
    def prepare(setup: Setup) -> Iterator[Contenders]:
        size = setup.count(mebibytes)
        path = made_file(setup.folder, size)
        with hub() as url, ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=setup.folder)))
            source = upload(url, str(path)) if direction == "download" else ""

            def measure(client: str) -> float:
                if direction == "download":
                    target = folder / f"{client}.tflite"
                    found = setup.work(client, "download", url, source, target)
                    target.unlink()
                else:
                    found = setup.work(client, "upload", url, path)
                return found[figure]

            contenders = both(measure)
            if figure == "wall":
                contenders["socket"] = lambda: copy_by_socket(path, folder / "copy")
            yield contenders

    return prepare


def copy_by_socket(source: Path, target: Path) -> float:
    """Copies a file through a socket of this machine; returns the seconds."""
    listener = socket.create_server(("127.0.0.1", 0))

    def send() -> None:
        with socket.create_connection(listener.getsockname()) as connection, source.open("rb") as f:
            connection.sendfile(f)

    began = time.perf_counter()
    thread = threading.Thread(target=send)
    thread.start()
    connection, _ = listener.accept()
    with connection, target.open("wb") as file:
        while block := connection.recv(1 << 20):
            file.write(block)
    thread.join()
    listener.close()
    taken = time.perf_counter() - began
    target.unlink()
    return taken


@contextmanager
def datasets(setup: Setup) -> Iterator[Contenders]:
    """Seconds to upload a dataset of random floats."""
    with hub() as url:
        size = setup.count(256)

        def measure(client: str) -> float:
            return setup.work(client, "upload_dataset", url, size)["wall"]

        yield both(measure)


@contextmanager
def submissions_synced(setup: Setup) -> Iterator[Contenders]:
    """Submissions a second to a hub that syncs its commits, and to one that does not."""
    seconds = 3 * setup.scale

    def measure(kind: str) -> float:
        return submissions.measured(setup.folder, kind, 8, seconds)

    yield {"not synced": lambda: measure("not synced"), OURS: lambda: measure("synced")}


ROWS = (
    Row("`import qai_hub`, beyond the interpreter", "ms CPU", OURS, OFFICIAL, 0.1, imports_time, 7),
    Row("`import qai_hub`, memory", "MiB", OURS, "", 3.0, imports_memory, 3),
    Row("a process that imports and gets one job", "ms CPU", OURS, OFFICIAL, 1 / 3, first_call, 7),
    Row("`get_job`", "µs", OURS, OFFICIAL, 0.4, calls("get_job")),
    Row("`get_job`, TLS", "µs", OURS, OFFICIAL, 0.17, calls("get_job", tls=True)),
    Row("`get_job`, protobuf", "µs", OURS, OFFICIAL, 0.45, calls("get_job", protocol="protobuf")),
    Row("`get_job_summaries(limit=1000)`", "µs", OURS, OFFICIAL, 0.9, calls("1000 summaries")),
    Row(
        "`get_job_summaries(limit=1000)`, protobuf",
        "µs",
        OURS,
        OFFICIAL,
        1.0,
        calls("1000 summaries", protocol="protobuf"),
    ),
    Row(
        "submit, the model is there",
        "ms",
        OURS,
        OFFICIAL,
        0.5,
        on_hub("submit", "wall", repeats=30, seconds=600, max_parallel_jobs=1),
    ),
    Row(
        "the same: requests of a process that submits 30",
        "a job",
        OURS,
        "",
        3.0,
        on_hub("submit", "requests", repeats=30, seconds=600, max_parallel_jobs=1),
        1,
    ),
    Row(
        "`wait()` returns after the end of a job of 0.5 s",
        "ms",
        OURS,
        "",
        15.0,
        on_hub("wait_late", "late", repeats=5, clients=(OURS,), seconds=0.5),
        3,
    ),
    Row(
        "the same, a hub that does not hold requests",
        "ms",
        OURS,
        OFFICIAL,
        0.5,
        on_hub("wait_late", "late", repeats=2, seconds=0.5, holds=False),
        2,
    ),
    Row(
        "the same, a job of 5 s",
        "ms",
        OURS,
        OFFICIAL,
        0.5,
        on_hub("wait_late", "late", repeats=1, seconds=5, holds=False),
        2,
    ),
    Row(
        "200 jobs waited for together: after the last end",
        "ms",
        OURS,
        "",
        500.0,
        on_hub("wait_many", "late", repeats=200, clients=(OURS,), seconds=1, max_parallel_jobs=50),
        2,
    ),
    Row(
        "the same: requests, with submitting",
        "a job",
        OURS,
        OFFICIAL,
        0.5,
        on_hub("wait_many", "requests", repeats=200, seconds=1, max_parallel_jobs=50),
        1,
    ),
    Row(
        "small model to ONNX: submit to the end of `wait()`",
        "ms",
        OURS,
        "",
        150.0,
        on_hub(
            "run_small",
            "wall",
            "--target_runtime onnx",
            repeats=20,
            clients=(OURS,),
            cache=False,
        ),
        3,
    ),
    Row(
        "small inference: submit to the end of `wait()`",
        "ms",
        OURS,
        "",
        150.0,
        on_hub("infer_small", "wall", repeats=20, clients=(OURS,), cache=False),
        3,
    ),
    Row(
        "small context binary, without the target check",
        "ms",
        OURS,
        "compiler alone",
        1.3,
        compiler_alone,
        3,
    ),
    Row(
        "small jobs a second, two workers",
        "a second",
        OURS,
        "",
        12.0,
        on_hub(
            "run_flood",
            "rate",
            factor=1,
            repeats=40,
            clients=(OURS,),
            cache=False,
            max_parallel_jobs=2,
        ),
        3,
        more=True,
    ),
    Row("upload of 1 GiB", "s", OURS, OFFICIAL, 0.6, transfers("upload", "wall", 1024), 2),
    Row("download of 1 GiB", "s", OURS, OFFICIAL, 0.5, transfers("download", "wall", 1024), 2),
    Row(
        "upload of 1 GiB, memory",
        "MiB",
        OURS,
        "",
        60.0,
        transfers("upload", "memory", 1024),
        1,
    ),
    Row(
        "download of 1 GiB, memory",
        "MiB",
        OURS,
        "",
        60.0,
        transfers("download", "memory", 1024),
        1,
    ),
    Row("upload of 256 MiB of random floats as a dataset", "s", OURS, OFFICIAL, 0.25, datasets, 1),
    Row(
        "submissions a second to a hub that syncs",
        "a second",
        OURS,
        "not synced",
        2 / 3,
        submissions_synced,
        3,
        more=True,
    ),
    Row(
        "page of 100 of a million jobs",
        "ms CPU",
        OURS,
        "1,000 jobs",
        1.5,
        pages_of_jobs(),
        3,
    ),
    Row(
        "the same, far down the list",
        "ms CPU",
        OURS,
        "1,000 jobs",
        1.5,
        pages_of_jobs(deep=True),
        3,
    ),
    Row(
        "the same, jobs that failed",
        "ms CPU",
        OURS,
        "10,000 jobs",
        1.5,
        pages_of_jobs("&state=30"),
        3,
    ),
    Row(
        "the same, jobs under way, of which there are none",
        "ms CPU",
        OURS,
        "1,000 jobs",
        1.5,
        pages_of_jobs("&state=1,50,60,70,80,90,100"),
        3,
    ),
    Row(
        "the same, link jobs that failed",
        "ms CPU",
        OURS,
        "",
        20.0,
        pages_of_jobs("&type=link&state=30"),
        3,
    ),
    Row(
        "the same, by an offset of 400,000",
        "ms CPU",
        OURS,
        "",
        100.0,
        pages_of_jobs(offset=True),
        3,
    ),
    Row(
        "`get_job` of 8 connections, by one hub",
        "a CPU second",
        OURS,
        "",
        600.0,
        requests_of_hub,
        3,
        more=True,
    ),
    Row("memory of a hub with a million jobs", "MiB", OURS, "no jobs", 1.5, hub_memory, 1),
    Row("memory of a hub that ran 1,000 jobs", "MiB", OURS, "", 120.0, hub_memory_after_jobs, 1),
    Row("start of a hub with a million jobs", "s CPU", OURS, "no jobs", 1.5, start_of_hub, 3),
)

# These need gigabytes of memory and of disk, and minutes.
ON_REQUEST = (
    Row(
        "2.3 GB model to ONNX: submit to the end of `wait()`",
        "s",
        OURS,
        "onnxruntime alone",
        1.2,
        compile_large("wall"),
        3,
    ),
    Row(
        "2.3 GB model to ONNX: memory of the worker",
        "MiB",
        OURS,
        "onnxruntime alone",
        1.2,
        compile_large("memory"),
        1,
    ),
)
"""Rows that are measured if `--rows` names them, and are not in the table."""
