"""Optimising and verifying a model take no copy of weights that are in a file of their own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model

WIDTH, LAYERS = 1024, 16
SIZE = LAYERS * WIDTH * WIDTH * 4 / 2**20

# Prints how far memory of this process, which no file backs, rises above what there was, in MiB.
PROGRAM = """
import json, sys, threading
from pathlib import Path
from qai_hub.local.engine.onnx.prepare import optimise
from qai_hub.local.engine.onnx.verify import run_both

def read():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024

def measure(work):
    values, ended = [read()], threading.Event()
    def watch():
        while not ended.wait(0.002):
            values.append(read())
    thread = threading.Thread(target=watch)
    thread.start()
    work()
    ended.set()
    thread.join()
    return max(values) - values[0]

source, target, width = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
spec = {"name": "x", "shape": [1, width], "dtype": "float32"}
arguments = {"models": [str(source), str(target)], "inputs": [spec]}
print(json.dumps([
    measure(lambda: optimise(source, target, 2**25)),
    measure(lambda: run_both(arguments, target.parent)),
]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is read from /proc")
def test_weights_are_not_copied(tmp_path: Path) -> None:
    names = ["x", *(f"t{number}" for number in range(LAYERS))]
    nodes = [
        helper.make_node("MatMul", [names[number], f"w{number}"], [names[number + 1]])
        for number in range(LAYERS)
    ]
    ports = {"x": (FLOAT, [1, WIDTH])}, {names[-1]: (FLOAT, [1, WIDTH])}
    random = np.random.default_rng(0)
    weights = {f"w{n}": random.random((WIDTH, WIDTH), np.float32) for n in range(LAYERS)}
    source, target = tmp_path / "source" / "m.onnx", tmp_path / "target" / "m.onnx"
    for path in (source, target):
        path.parent.mkdir()
    model = build_model(nodes, *ports, weights)
    onnx.save(model, source, save_as_external_data=True, location="m.data")

    command = [sys.executable, "-c", PROGRAM, str(source), str(target), str(WIDTH)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120)
    optimising, verifying = json.loads(done.stdout)

    assert optimising < SIZE / 2
    assert verifying < SIZE / 2
