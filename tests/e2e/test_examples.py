"""The examples, as a newcomer runs them."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import h5py
import onnx

from qai_hub.config import save_config
from qai_hub.local import LocalHub

ROOT = Path(__file__).parents[2]
MODEL = distribution("rapidocr").locate_file("rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx")


def run(
    script: str, *arguments: str, home: Path, examples: Path = ROOT / "examples"
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
    return subprocess.run(
        [sys.executable, str(examples / script), *arguments],
        env={**inherited, "HOME": str(home), "NO_PROXY": "127.0.0.1"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_demo_shows_right_predictions_and_brings_everything_home(tmp_path: Path) -> None:
    # Two images show what eight do: each takes the simulation more than a second.
    examples = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", examples)
    script = (examples / "snapdragon.py").read_text("utf-8")
    fewer = script.replace('"--images", type=int, default=8', '"--images", type=int, default=2')
    assert fewer != script
    (examples / "snapdragon.py").write_text(fewer, "utf-8")

    done = run("local_demo.py", "--output-dir", "results", home=tmp_path, examples=examples)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 of 12 right" in done.stdout
    assert "The slowest of" in done.stdout
    before, after = done.stdout.split("shared with colleague@example.com")
    assert before.count("nothing: ") == 2
    assert "nothing: " not in after
    assert "Model(" in after

    _, simulation = done.stdout.split("in HTP simulation on this machine\n")
    assert "its times say nothing about a device's." in simulation
    lines = re.findall(r"context binary, (\S+) .* ([0-9.]+) dB +2 of 2\n", simulation)
    # Measured: 60 dB in floats, and far more with quantization, on images that are so clear.
    assert [name for name, _ in lines] == ["float16", "w8a16"]
    assert all(float(decibels) > 35 for _, decibels in lines)

    results = tmp_path / "results"
    assert sorted(path.name for path in results.glob("*.bin")) == ["float16.bin", "w8a16.bin"]
    profile = json.loads((results / "profile.json").read_text())
    assert profile["execution_summary"]["estimated_inference_time"] > 0
    with h5py.File(results / "outputs.h5") as outputs:
        assert len(outputs["data/0"]) == 12
    (target_model,) = results.glob("target_model*")
    onnx.checker.check_model(str(target_model))
    assert len(list((results / "logs").glob("*/*"))) >= 3
    assert not (tmp_path / ".qai_hub").exists()


def test_quickstart_fails_if_the_model_is_wrong(tmp_path: Path) -> None:
    model = onnx.load(str(MODEL))
    output = model.graph.output[0]
    model.graph.node.append(onnx.helper.make_node("Neg", [output.name], ["opposite"]))
    output.name = "opposite"
    onnx.save(model, tmp_path / "wrong.onnx")
    with LocalHub() as local_hub:
        save_config(local_hub.config(), "wrong", home=tmp_path)
        arguments = ("--model", "wrong.onnx", "--profile", "wrong", "--images", "2")
        done = run("quickstart.py", *arguments, home=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 of 2 right" in done.stdout
