"""Compiles a large model to ONNX, by a hub and by ONNX Runtime alone, and watches the memory."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

from performance.setup import OURS, Setup, hub, upload
from qai_hub.local.engine.environment import worker_environment

_ALONE = Path(__file__).parent / "optimise_alone.py"
_LAYERS = 36
_WIDTH = 4096
_WATCH_SECONDS = 0.05


def make_model(folder: Path, width: int) -> Path:
    """Writes a chain of square matrices of random floats from a fixed seed, and activations.

    Args:
        folder: New folder for the model and its weights.
        width: Number of rows and columns; there are 36 matrices.

    Returns:
        The .onnx file.
    """
    folder.mkdir()
    random = np.random.default_rng(0)
    nodes, weights, tensor = [], [], "x"
    with (folder / "weights.bin").open("wb") as file:
        for number in range(_LAYERS):
            values = random.random((width, width), np.float32)
            # The sizes of the values stay what they are from layer to layer.
            values = (values - np.float32(0.5)) * np.float32((24 / width) ** 0.5)
            weight = TensorProto(
                name=f"w{number}",
                dims=values.shape,
                data_type=TensorProto.FLOAT,
                data_location=TensorProto.EXTERNAL,
            )
            place = {"location": "weights.bin", "offset": file.tell(), "length": values.nbytes}
            for key, value in place.items():
                weight.external_data.add(key=key, value=str(value))
            file.write(values.data)
            weights.append(weight)
            nodes.append(helper.make_node("MatMul", [tensor, weight.name], [f"m{number}"]))
            tensor = f"r{number}"
            nodes.append(helper.make_node("Relu", [f"m{number}"], [tensor]))
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, width)) for name in ("x", tensor)
    )
    graph = helper.make_graph(nodes, "large", [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def compile_large(figure: str) -> Callable[[Setup], Any]:
    """Returns a row's contenders for a model of 2.3 GB: "wall" in seconds, or "memory" in MiB."""

    @contextmanager
    def prepare(setup: Setup) -> Iterator[dict[str, Callable[[], float]]]:
        with (
            tempfile.TemporaryDirectory(dir=setup.folder) as temporary,
            hub(cache=False) as url,
        ):
            folder = Path(temporary)
            path = make_model(folder / "model", round(_WIDTH * setup.scale**0.5))
            model = upload(url, str(path.parent))

            def alone() -> float:
                with tempfile.TemporaryDirectory(dir=folder) as written:
                    command = [sys.executable, str(_ALONE), str(path), written]
                    done = subprocess.run(
                        command,
                        check=True,
                        stdout=subprocess.PIPE,
                        text=True,
                        env=worker_environment(folder),
                    )
                return float(json.loads(done.stdout)[figure])

            def ours() -> float:
                with _watched_workers() as peak:
                    found = setup.work(OURS, "compile_once", url, model, "--target_runtime onnx")
                return found["wall"] if figure == "wall" else peak()

            yield {"onnxruntime alone": alone, OURS: ours}

    return prepare


@contextmanager
def _watched_workers() -> Iterator[Callable[[], float]]:
    """Yields what returns, after the block, the peak of the largest worker's memory in MiB."""
    peak = 0.0
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(_WATCH_SECONDS):
            peak = max([peak, *_worker_peaks()])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield lambda: peak
    finally:
        ended.set()
        thread.join()


def _worker_peaks() -> Iterator[float]:
    """Yields the peak of resident memory of each worker that descends from this process."""
    states: dict[str, dict[str, str]] = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        # It may have ended.
        with suppress(OSError):
            lines = path.read_text("utf-8").splitlines()
            pairs = (line.partition(":") for line in lines)
            states[path.parent.name] = {key: value.strip() for key, _, value in pairs}
    for number, state in states.items():
        if state["Name"] == "qai-hub worker" and _descends(number, states):
            yield int(state.get("VmHWM", "0").partition(" ")[0]) / 1024


def _descends(number: str, states: dict[str, dict[str, str]]) -> bool:
    own = str(os.getpid())
    while number in states and number != own:
        number = states[number]["PPid"]
    return number == own
