"""Exports models of qai_hub_models to a local hub, and writes a table of what came of it.

    make models
    make models ARGS='--models resnet18,silero_vad --precisions float'
    make models ARGS='--page-only'            # write the page from the results that are there
    make models ARGS='--client official --models resnet18'
    make models ARGS='--own-tests'            # qai_hub_models' own tests that name qai_hub

Each cell of the table is one `qai-hub-models export`, unmodified. Results are kept in a file as
they come, and cells that have one with the same versions are not run again: `--again` runs them.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.cells import PRECISIONS, RUNTIMES, Cell, Claims, Results, order_cells, read_claims
from models.exports import Exporter
from models.own_tests import run_own_tests
from models.page import write_page
from qai_hub.client import Client, JobStatus
from qai_hub.local import LocalHub

_ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_TOKEN = "of-a-benchmark"  # noqa: S105 - of a hub that lives while this runs


def main() -> None:
    """Runs the exports."""
    arguments = _parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("It was stopped."))
    catalog = tomllib.loads((_HERE / "catalog.toml").read_text("utf-8"))
    kinds = {model: kind for kind, models in catalog["models"].items() for model in models}
    environment = arguments.official_env if arguments.client == "official" else arguments.client_env
    claims = _ask_for_claims(arguments.client_env, list(kinds))
    results = Results(arguments.results)
    tests_path = _HERE / "own_tests.json"
    own_tests = json.loads(tests_path.read_text("utf-8")) if tests_path.exists() else {}
    if not arguments.page_only:
        # The exports compare targets themselves: what the hub measures would take as long again.
        hub = LocalHub(
            arguments.folder / "hub",
            users={"user@localhost": _TOKEN},
            max_parallel_jobs=arguments.jobs,
            job_timeout=arguments.time_limit,
            check_targets=False,
            analyze_layers=False,
        )
        with hub as running:
            client = running.client()
            _cancel_jobs(client)
            exporter = Exporter(
                client=arguments.client,
                environment=environment.absolute(),
                folder=arguments.folder.absolute(),
                address=running.url,
                token=_TOKEN,
                hub=client,
                git_config=arguments.git_config and arguments.git_config.absolute(),
                time_limit=arguments.time_limit,
                versions=_read_versions(catalog["version"]),
            )
            if arguments.own_tests:
                own_tests[exporter.client] = run_own_tests(exporter)
                tests_path.write_text(json.dumps(own_tests, indent=2) + "\n", "utf-8")
            else:
                cells = _choose_cells(arguments, claims, results, exporter)
                # What takes longest comes last.
                cells.sort(key=lambda cell: cell.model in catalog["large"])
                _export_cells(exporter, cells, results, arguments.cells)
    today = date.today()  # noqa: DTZ011
    write_page(
        arguments.page,
        catalog["version"],
        kinds,
        catalog["large"],
        claims,
        results,
        own_tests,
        today,
    )
    print(f"The table is in {arguments.page}")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make models", description=__doc__.partition("\n")[0])
    add: Any = parser.add_argument
    add("--models", default="", help="names of models, with commas between them; all if absent")
    add("--runtimes", default=",".join(RUNTIMES))
    add("--precisions", default=",".join(PRECISIONS))
    add("--again", action="store_true", help="run cells that have a result as well")
    add("--cells", type=int, default=2, metavar="N", help="cells to run side by side")
    add("--jobs", type=int, default=2, metavar="N", help="jobs that the hub runs side by side")
    add("--time-limit", type=float, default=1800, help="seconds for a cell, and for a job")
    add("--page-only", action="store_true", help="run nothing")
    add("--client", choices=("ours", "official"), default="ours")
    add("--own-tests", action="store_true", help="run qai_hub_models' own tests instead")
    add("--git-config", type=Path, help="settings for git, such as insteadOf, to get models' code")
    add("--folder", type=Path, default=_ROOT / "build" / "models")
    add("--results", type=Path, default=_HERE / "results.jsonl")
    add("--page", type=Path, default=_ROOT / "docs" / "models.md")
    add("--client-env", type=Path, default=_ROOT / ".venv-models")
    add("--official-env", type=Path, default=_ROOT / ".venv-models-official")
    return parser.parse_args()


def _ask_for_claims(environment: Path, models: Sequence[str]) -> Claims:
    """Ask qai_hub_models, which is not in this environment, what it claims."""
    command = [str(environment / "bin" / "python"), str(_HERE / "claims.py"), *models]
    return read_claims(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _read_versions(models: str) -> dict[str, str]:
    """Return the versions that outcomes depend on."""
    return {
        "qai_hub_models": models,
        "qai_hub": version("qai-hub-openapi"),
        "onnxruntime": version("onnxruntime"),
        "onnxruntime-qnn": version("onnxruntime-qnn"),
    }


def _cancel_jobs(client: Client) -> None:
    """Cancel the jobs of exports that an earlier run left, for which nobody waits."""
    while jobs := client.get_job_summaries(state=JobStatus.all_running_states()):
        for each in jobs:
            client.cancel_job(each.job_id)


def _choose_cells(
    arguments: argparse.Namespace, claims: Claims, results: Results, exporter: Exporter
) -> list[Cell]:
    """Return the cells to run, in order."""
    models = set(filter(None, arguments.models.split(",")))
    cells = [
        cell
        for cell in order_cells(claims.works)
        if (not models or cell.model in models)
        and cell.runtime in arguments.runtimes.split(",")
        and cell.precision in arguments.precisions.split(",")
    ]
    if arguments.again:
        return cells
    return results.list_missing(cells, exporter.client, exporter.versions)


def _export_cells(
    exporter: Exporter, cells: Sequence[Cell], results: Results, side_by_side: int
) -> None:
    """Export cells, several at a time."""

    def export(cell: Cell) -> None:
        outcome = exporter.export(cell)
        results.add(outcome)
        said = outcome.reason[:120] or f"{outcome.lowest} dB"
        clock = time.strftime("%H:%M:%S")
        name = f"{cell.model} {cell.runtime} {cell.precision}"
        print(f"{clock} {outcome.seconds:5.0f} s  {name}: {said}", flush=True)

    with ThreadPoolExecutor(side_by_side) as pool, exporter:
        try:
            for future in [pool.submit(export, cell) for cell in cells]:
                future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    main()
