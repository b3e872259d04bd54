"""The engine that converts to TensorFlow Lite, as users install it."""

import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.execution_models import attempt, linear_model, run_request, saved
from support.real_engines import use_engine

from qai_hub.local.engine.workers import make_workers
from qai_hub.local.engines.catalog import TFLITE
from qai_hub.local.engines.places import Installation, State, get_state


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    with pytest.MonkeyPatch.context() as patch:
        yield use_engine("tflite", patch)


def test_it_has_the_packages_of_its_list(installed: Installation) -> None:
    code = (
        "from importlib.metadata import distributions\n"
        "for each in distributions(): print(each.name.lower().replace('_', '-'), each.version)"
    )
    python = str(installed.get_interpreter(TFLITE))
    listed = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    found = dict(line.split() for line in listed.stdout.splitlines())

    assert get_state(TFLITE) is State.INSTALLED
    assert {name.replace(".", "-"): version for name, version in found.items()} == TFLITE.packages


def test_workers_use_its_packages_in_the_sandbox(installed: Installation, tmp_path: Path) -> None:
    request = run_request(saved(linear_model(), tmp_path), profile=True)
    with closing(make_workers(warm=True)) as workers:
        outcome = attempt(replace(request, engine="tflite"), tmp_path / "a", workers=workers)

    assert outcome.succeeded, outcome.log.read_text()
    tools = {each["name"]: each["version"] for each in outcome.result["tool_versions"]}
    assert tools["ONNX Runtime"] == TFLITE.packages["onnxruntime"]
    assert tools["Python"] == installed.python


def test_its_converter_converts(installed: Installation, tmp_path: Path) -> None:
    """No package that was left out of the list is missing."""
    model = saved(linear_model(), tmp_path, "model.onnx")
    code = (
        "import sys, onnx2tf\n"
        "from ai_edge_litert.interpreter import Interpreter\n"
        "from ai_edge_quantizer import quantizer, recipe\n"
        "onnx2tf.convert(input_onnx_file_path=sys.argv[1], output_folder_path='made',\n"
        "    tflite_backend='flatbuffer_direct', not_use_onnxsim=True, non_verbose=True)\n"
        "interpreter = Interpreter('made/model_float32.tflite')\n"
        "interpreter.allocate_tensors()\n"
        "interpreter.invoke()\n"
        "made = quantizer.Quantizer('made/model_float32.tflite', recipe.dynamic_wi8_afp32())\n"
        "made.quantize().export_model('made/quantized.tflite')\n"
    )
    python = str(installed.get_interpreter(TFLITE))
    done = subprocess.run(
        [python, "-I", "-c", code, str(model)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "made" / "quantized.tflite").stat().st_size > 0
