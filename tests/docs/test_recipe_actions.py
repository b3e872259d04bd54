"""The workflow for GitHub Actions: its steps after the installation, run as GitHub runs them."""

import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
import yaml
from support.page_blocks import ROOT, blocks, commands_folder

from qai_hub.local.engine.example import build_example_model

(WORKFLOW,) = blocks("docs/recipes/github-actions.md", "yaml")
TEST = """
import qai_hub as hub

def test_that_it_compiles():
    job = hub.submit_compile_job("model.onnx", hub.Device("Samsung Galaxy S24"))
    assert job.wait().success
"""


(JOB,) = yaml.safe_load(WORKFLOW)["jobs"].values()


def script_of(name: str) -> str:
    (script,) = (step["run"] for step in JOB["steps"] if step.get("name") == name)
    return str(script)


class Runner:
    """A folder that steps run in, with what they add to the environment of later ones."""

    def __init__(self, home: Path) -> None:
        self.work = home / "work"
        self.work.mkdir()
        self.variables = home / "variables"
        self.variables.touch()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        path = commands_folder(home / "bin", sys.executable)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QAI")}
        self._environment = kept | {
            "HOME": str(home),
            "PATH": f"{path}:{os.environ['PATH']}",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ENV": str(self.variables),
        }

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Runs the script of a step, by the shell that GitHub takes."""
        added = dict(line.split("=", 1) for line in self.variables.read_text().splitlines())
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.work,
            env=self._environment | added,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )

    def start_hub(self, script: str) -> None:
        # Another test may have a hub at the usual port.
        started = script.replace("qai-hub serve", f"qai-hub serve --port {self.port}")
        done = self.run(f"{started}\necho $! > hub.pid")
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    running = Runner(tmp_path_factory.mktemp("runner"))
    running.start_hub(script_of("Start a hub"))
    yield running
    os.kill(int((running.work / "hub.pid").read_text()), signal.SIGTERM)


def test_the_steps_run_one_after_the_other(runner: Runner) -> None:
    onnx.save(build_example_model(), runner.work / "model.onnx")
    (runner.work / "tests").mkdir()
    (runner.work / "tests" / "test_model.py").write_text(TEST)
    compiled = runner.run(script_of("Compile"))
    assert compiled.returncode == 0, compiled.stdout
    tested = runner.run(script_of("Test"))
    assert tested.returncode == 0, tested.stdout
    assert "1 passed" in tested.stdout
    assert "Local hub at" in runner.run(script_of("Log of the hub")).stdout


def test_a_job_that_fails_ends_its_step_with_an_annotation(runner: Runner) -> None:
    onnx.save(build_example_model(), runner.work / "model.onnx")
    failed = runner.run(script_of("Compile").replace("qnn_context_binary", "tflite"))
    assert failed.returncode == 1
    assert re.search(
        r"^::error title=compile job .*qai-hub engine install tflite", failed.stdout, re.MULTILINE
    )


def test_what_is_installed_is_in_the_checkout() -> None:
    paths = re.findall(r"qai-hub-openapi/([\w.]+)", WORKFLOW)
    assert paths
    assert all((ROOT / path).exists() for path in paths)
    extras = re.findall(r"qai-hub-openapi\[(\w+)\]", script_of("Install"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert extras
    assert set(extras) <= project["optional-dependencies"].keys()
