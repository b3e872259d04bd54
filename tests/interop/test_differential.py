"""One set of scripts, run by the official client and by ours, each against a local hub of its own.

They must print the same and end with the same kinds of errors, but for what
`docs/differences.md` lists.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
from interop.run_scripts import scripts_of
from support.tiny_models import affine

from qai_hub.config import save_config
from qai_hub.local import LocalHub

HERE = Path(__file__).parent
ME, COLLEAGUE = "me@example.com", "colleague@example.com"
SCRIPTS = [name for name, _, _ in scripts_of(HERE / "scripts")]
# The scripts whose outcome differs, and the line of docs/differences.md that tells why.
DIFFERENT = {
    "jobs.compile_a_model": "format of a target model",
    "refusals.compile_for_no_device": "no devices",
    "uploads.upload_a_model_in_memory": "name of a model in memory",
    "lists.devices_by_os_alone": "an OS version alone",
}
# How a defect shows: nobody catches these on purpose.
CRASHES = {"AssertionError", "AttributeError", "KeyError", "TypeError", "APIException"}

Outcomes = dict[str, dict[str, Any]]


def run_scripts(python: str, folder: Path) -> Outcomes:
    """Runs all scripts in a folder of their own, against a hub of their own."""
    home = folder / "home"
    home.mkdir()
    model = affine(batch="n")
    onnx.save(model, folder / "affine.onnx")
    (folder / "external.onnx").mkdir()
    onnx.save(
        model,
        folder / "external.onnx" / "model.onnx",
        save_as_external_data=True,
        location="model.data",
        size_threshold=0,
    )
    (folder / "notes.txt").write_text("no model")
    (folder / "broken.onnx").write_bytes(b"no model")
    with LocalHub(users=[ME, COLLEAGUE], validate_responses=True) as lh:
        save_config(lh.config(ME), home=home)
        save_config(lh.config(COLLEAGUE), "colleague", home=home)
        nobody = lh.config(ME)
        nobody.api_token = "of-nobody"
        save_config(nobody, "wrong_token", home=home)
        command = [python, str(HERE / "run_scripts.py"), "outcomes.json"]
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(home), "USERPROFILE": str(home)}
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
    outcomes: Outcomes = json.loads((folder / "outcomes.json").read_text("utf-8"))
    return outcomes


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return run_scripts(os.environ["OFFICIAL_PYTHON"], tmp_path_factory.mktemp("official"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return run_scripts(sys.executable, tmp_path_factory.mktemp("ours"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_does_the_same_under_both_clients(
    script: str, official: Outcomes, ours: Outcomes
) -> None:
    there, here = official[script], ours[script]
    assert not CRASHES.intersection(here["kinds"][:1]), here["told"]
    same = here["printed"] == there["printed"] and is_caught_alike(there["kinds"], here["kinds"])
    assert same != (script in DIFFERENT), (
        f"official:\n{there['printed']}{there['told']}\nours:\n{here['printed']}{here['told']}"
    )


def test_our_client_prints_nothing_by_itself(ours: Outcomes) -> None:
    assert {name: outcome["noise"] for name, outcome in ours.items() if outcome["noise"]} == {}


def test_the_differences_are_documented() -> None:
    page = (HERE.parents[1] / "docs" / "differences.md").read_text("utf-8")
    lines = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")}
    assert set(DIFFERENT.values()) <= lines
    assert set(DIFFERENT) <= set(SCRIPTS)


def is_caught_alike(there: list[str], here: list[str]) -> bool:
    """Whether code that catches that client's error catches ours, or that was a crash."""
    if not there or not here:
        return not there and not here
    return there[0] in here or (there[0] in CRASHES and "UserError" in here)
