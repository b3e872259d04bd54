"""One set of scripts, run by the official client and by ours, each against a local hub of its own.

Ours runs them twice, once on each wire. All three must print the same and end with the same kinds
of errors, but for what `docs/differences.md` lists.
"""

import ast
import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import onnx
import pytest
from interop.fault_proxy import FaultProxy
from interop.run_scripts import scripts_of
from support.tiny_models import affine

import qai_hub as hub
import qai_hub.client
from qai_hub.config import ClientConfig, Wire, save_config
from qai_hub.local import LocalHub

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ME, COLLEAGUE = "me@example.com", "colleague@example.com"
SCRIPTS = [name for name, _, _ in scripts_of(HERE / "scripts")]
# The scripts whose outcome differs, and the line of docs/differences.md that tells why.
DIFFERENT = {
    "combined.results_of_a_compile_job_that_failed": "results of failed jobs",
    "combined.results_of_a_link_job_that_failed": "results of failed jobs",
    "combined.results_of_a_quantize_job_that_failed": "results of failed jobs",
    "jobs.download_all_results": "files of `download_results`",
    "jobs.the_files_of_results": "files of `download_results`",
    "lists.devices_by_os_alone": "an OS version alone",
    "members.a_session_token_after_the_first_call": "tokens for a session",
    "members.statuses_of_other_reasons": "equality of statuses",
    "members.texts": "texts of objects",
    "members.times_to_the_microsecond": "times of jobs, models and datasets",
    "members.the_name_of_a_dataset_in_memory": "name of a dataset in memory",
    "members.the_page_of_results": "page of results",
    "members.the_server_of_a_session_token": "server of a token for a session",
    "members.the_symbol_of_no_state": "sign of an unknown state",
    "members.what_a_failed_job_gives_for_its_profile": "profile of a failed job",
    "refusals.compile_for_no_device": "no devices",
    "faults.a_download_that_breaks_off_is_finished": "downloads that break off",
    "faults.a_rate_limit_that_goes_on": "rate limits that go on",
    "faults.a_wait_rides_out_a_long_outage": "outages during a wait",
    "faults.an_address_that_expires_before_the_download": "addresses that expire",
    "faults.an_address_that_expires_before_the_upload": "addresses that expire",
    "faults.an_answer_that_is_lost_submits_one_job": "answers that are lost",
    "faults.an_answer_that_is_lost_uploads_one_model": "answers that are lost",
    "uploads.upload_a_model_in_memory": "name of a model in memory",
}
# Those that differ on the JSON wire alone: the service has no way to continue an upload.
ON_JSON_ALONE = {"faults.an_address_that_expires_before_the_upload"}
# How a defect shows: nobody catches these on purpose.
CRASHES = {"AssertionError", "AttributeError", "KeyError", "TypeError", "APIException"}
# What only a client makes, from an answer of the service.
MADE_BY_CLIENTS = ("Job", "Model", "Dataset", "JobSummary")
WIRES: list[Wire] = ["json", "protobuf"]


@dataclass(frozen=True)
class Run:
    """What came of all scripts under one client: outcomes by script, and the names they used."""

    outcomes: dict[str, dict[str, Any]]
    names: set[str]


def run_scripts(python: str, folder: Path, wire: Wire) -> Run:
    """Runs all scripts in a folder of their own, against hubs of their own."""
    home = folder / "home"
    home.mkdir(parents=True)
    make_files(folder)
    with (
        LocalHub(users=[ME, COLLEAGUE], validate_responses=True, cache=False) as lh,
        FaultProxy([ME]) as proxy,
    ):

        def configure(config: ClientConfig, profile: str | None = None) -> None:
            config.wire = wire
            save_config(config, profile, home=home)

        configure(lh.config(ME))
        configure(lh.config(COLLEAGUE), "colleague")
        configure(ClientConfig("of-nobody", lh.url, lh.url), "wrong_token")
        configure(ClientConfig(proxy.hub.token(), proxy.url, proxy.url), "faults")
        command = [python, str(HERE / "run_scripts.py"), "told.json"]
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(home), "USERPROFILE": str(home)}
        subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
    told = json.loads((folder / "told.json").read_text("utf-8"))
    return Run(told["outcomes"], set(told["names"]))


def make_files(folder: Path) -> None:
    """Writes what the scripts work on."""
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
    (folder / "net.dlc").write_bytes(b"as good as any")
    shipped = distribution("rapidocr").locate_file(
        "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx"
    )
    shutil.copy(str(shipped), folder / "text_direction.onnx")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The official client's run, and ours on each wire, at the same time."""
    folder = tmp_path_factory.mktemp("differential")
    clients: dict[str, tuple[str, Wire]] = {
        "official": (os.environ["OFFICIAL_PYTHON"], "auto"),
        **{wire: (sys.executable, wire) for wire in WIRES},
    }
    with ThreadPoolExecutor(len(clients)) as pool:
        started = {
            name: pool.submit(run_scripts, python, folder / name, wire)
            for name, (python, wire) in clients.items()
        }
        return {name: future.result() for name, future in started.items()}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_does_the_same_under_both_clients(
    script: str, wire: Wire, runs: dict[str, Run]
) -> None:
    there, here = runs["official"].outcomes[script], runs[wire].outcomes[script]
    assert not CRASHES.intersection(here["kinds"][:1]), here["told"]
    same = here["printed"] == there["printed"] and is_caught_alike(there["kinds"], here["kinds"])
    differs = script in DIFFERENT and (wire == "json" or script not in ON_JSON_ALONE)
    assert same != differs, (
        f"official:\n{there['printed']}{there['told']}\nours:\n{here['printed']}{here['told']}"
    )


@pytest.mark.parametrize("wire", WIRES)
def test_only_what_is_refused_ends_in_an_error(wire: Wire, runs: dict[str, Run]) -> None:
    outcomes = runs[wire].outcomes
    ended = {name for name, outcome in outcomes.items() if outcome["kinds"]}
    assert ended == {name for name in outcomes if name.startswith("refusals.")}


@pytest.mark.parametrize("wire", WIRES)
def test_our_client_prints_nothing_by_itself(wire: Wire, runs: dict[str, Run]) -> None:
    outcomes = runs[wire].outcomes
    assert {name: outcome["noise"] for name, outcome in outcomes.items() if outcome["noise"]} == {}


def test_the_scripts_use_every_public_name(runs: dict[str, Run]) -> None:
    callables = {"method", "staticmethod", "property"}
    surface = list(rows())
    wanted = {name for kind, name in surface if kind in callables}
    unused = wanted - {name for name in wanted if is_not_ours_to_call(name)} - runs["json"].names
    assert sorted(unused) == []
    functions = {name for kind, name in surface if kind == "function" and name[0].islower()}
    assert sorted(functions - attributes()) == []
    fields = {name.rpartition(".")[2] for kind, name in surface if kind == "field"}
    assert sorted(fields - attributes()) == []


def test_the_differences_are_documented() -> None:
    page = (ROOT / "docs" / "differences.md").read_text("utf-8")
    before, _, after = page.partition("## Behaviour")
    behaviour = after.partition("\n## ")[0]
    told = set(DIFFERENT.values())
    assert told <= first_cells(before) | first_cells(behaviour)
    assert first_cells(behaviour) - {"what", "---"} <= told
    assert set(DIFFERENT) <= set(SCRIPTS)


def first_cells(page: str) -> set[str]:
    """What the lines of the tables of a page begin with."""
    return {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("|")}


def is_caught_alike(there: list[str], here: list[str]) -> bool:
    """Whether code that catches that client's error catches ours, or that was a crash."""
    if not there or not here:
        return not there and not here
    return there[0] in here or (there[0] in CRASHES and "UserError" in here)


def rows() -> Iterator[tuple[str, str]]:
    """Kinds and names of the official client's surface."""
    with (ROOT / "tests" / "data" / "surface.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["kind"], row["name"]


def is_not_ours_to_call(name: str) -> bool:
    """Whether it constructs what users are only given, or is what every object has."""
    kind, _, member = name.partition(".")
    if member == "__init__":
        return kind.endswith(MADE_BY_CLIENTS)
    found = getattr(hub, kind, None) or getattr(hub.client, kind)
    return getattr(found, member) is getattr(object, member, None)


def attributes() -> set[str]:
    """Every attribute that is read in the scripts."""
    return {
        node.attr
        for path in (HERE / "scripts").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
