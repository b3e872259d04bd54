"""Converts real models to TensorFlow Lite in several precisions, and writes how close they are.

    make tflite-sweep
    make tflite-sweep ARGS='--only silero'    # those whose names contain this
    make tflite-sweep ARGS='--page-only'      # write the page from the results that are there

It installs the engine `tflite` if it is not there, downloads some 380 MB of packages at the first
run, and takes two hours on two cores. Results are kept in a file as they come, and a run that was
interrupted continues there: `--afresh` begins anew.
"""

import time
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from sweep.command import Results, parse_arguments
from sweep.models import SweptModel
from tflite_sweep.jobs import PRECISIONS, Outcome, run_precisions
from tflite_sweep.models import make_data, read_tflite_models
from tflite_sweep.page import write_page

from qai_hub.client import Client
from qai_hub.local import LocalHub
from qai_hub.local.engines.catalog import TFLITE
from qai_hub.local.engines.install import install


def run_models(
    client: Client, models: Sequence[SweptModel], wheels: Path, results: Results[Outcome]
) -> None:
    """Runs all that has no outcome yet, one model at a time, small ones first.

    Args:
        client: Client of a local hub of this process.
        models: The models.
        wheels: Folder for packages.
        results: The outcomes so far, which grow.
    """
    for model in sorted(models, key=lambda model: len(model.fetch(wheels))):
        missing = results.list_missing(model.name, PRECISIONS)
        if missing:
            began = time.monotonic()
            keep = partial(results.add, model.name)
            run_precisions(client, model.fetch(wheels), make_data(model.inputs), missing, keep)
            print(f"{time.monotonic() - began:6.0f} s  {model.name}", flush=True)


def main() -> None:
    """Runs the sweep."""
    arguments = parse_arguments("tflite-sweep", "tflite.md", __doc__.partition("\n")[0])
    results, models = Results(arguments.results, Outcome.from_json), read_tflite_models()
    if not arguments.page_only:
        install(TFLITE, print)
        chosen = [model for model in models if arguments.only in model.name]
        # The sweep compares targets itself: what the hub measures would take as long again.
        with LocalHub(check_targets=False, analyze_layers=False) as hub:
            run_models(hub.client(), chosen, arguments.wheels, results)
    write_page(arguments.page, models, results.outcomes, TFLITE.packages, date.today())  # noqa: DTZ011
    print(f"The table is in {arguments.page}")


if __name__ == "__main__":
    main()
