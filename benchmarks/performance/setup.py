"""What the rows of the table share: hubs, clients in their own processes, and models."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from performance.hub_process import TOKEN

Contenders = dict[str, Callable[[], float]]

HERE = Path(__file__).parent
OFFICIAL, OURS = "official", "ours"
_ENVIRONMENT = os.environ | {"QAIHUB_PROGRESS": "off", "PYTHONPATH": str(HERE.parent)}


@dataclass(frozen=True)
class Setup:
    """The conditions of a run.

    Attributes:
        official: Interpreter with the official client.
        folder: Folder for files.
        scale: Fraction of the full work; 1 for figures that are published, less for a smoke run.
    """

    official: str
    folder: Path
    scale: float = 1.0

    def python(self, client: str) -> str:
        """Returns the interpreter with a client."""
        return self.official if client == OFFICIAL else sys.executable

    def count(self, number: int) -> int:
        """Returns a number of repetitions, scaled."""
        return max(1, round(number * self.scale))

    def work(self, client: str, task: str, url: str, *arguments: object) -> dict[str, float]:
        """Has a client do something in a process of its own; returns what that took."""
        # Without -P, this project would be found in its place in this folder.
        command = [self.python(client), "-P", str(HERE / "client_work.py"), task, url, TOKEN]
        done = subprocess.run(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=600,
            env=_ENVIRONMENT,
        )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found


@dataclass(frozen=True)
class HubProcess:
    """A hub in a process of its own.

    Attributes:
        url: Its address.
        pid: The number of its process.
    """

    url: str
    pid: int

    @property
    def memory(self) -> float:
        """Its resident memory, in MiB."""
        lines = Path(f"/proc/{self.pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024

    @property
    def processor_time(self) -> float:
        """The processor time that it has taken, in seconds."""
        # The clock that clock_getcpuclockid(3) names, which Python has for its own process alone.
        return time.clock_gettime((~self.pid << 3) | 2)


@contextmanager
def hub(**settings: object) -> Iterator[str]:
    """Runs a hub in a process of its own during a block; yields its address."""
    with hub_process(**settings) as process:
        yield process.url


@contextmanager
def hub_process(**settings: object) -> Iterator[HubProcess]:
    """Runs a hub in a process of its own during a block."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, str(HERE / "hub_process.py")]
        given = json.dumps({"data_dir": f"{data}/hub", **settings})
        with subprocess.Popen(
            [*command, given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_ENVIRONMENT,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield HubProcess(process.stdout.readline().strip(), process.pid)
            finally:
                process.stdin.close()


def small_model(seed: int = 0) -> onnx.ModelProto:
    """Returns a convolution and its activation, on images of 16 by 16."""
    weights = np.random.default_rng(seed).standard_normal((16, 3, 3, 3), dtype=np.float32)
    ends = {"x": (1, 3, 16, 16), "y": (1, 16, 16, 16)}
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in ends.items()
    )
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "small", [x], [y], [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def upload(url: str, model: onnx.ModelProto | str) -> str:
    """Uploads a model to a hub; returns its identifier."""
    import qai_hub

    config = qai_hub.ClientConfig(api_token=TOKEN, api_url=url, web_url=url, verbose=False)
    with qai_hub.Client(config=config) as client:
        return str(client.upload_model(model).model_id)


def made_file(folder: Path, mebibytes: int) -> Path:
    """Returns a file of random bytes that has the name of a model."""
    path = folder / f"{mebibytes}.tflite"
    if not path.exists():
        block = np.random.default_rng(0).bytes(1 << 20)
        with path.open("wb") as file:
            # The mark by which clients know the format.
            file.write(b"\x18\0\0\0TFL3" + block[8:])
            for _ in range(mebibytes - 1):
                file.write(block)
    return path


def processor_seconds(command: list[str]) -> float:
    """Returns the processor time that a command takes."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=_ENVIRONMENT)
    # The figures of all children would have those that another thread waits for.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime
