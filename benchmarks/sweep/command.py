"""The command line of a sweep of models, and its results, which are kept as they come."""

import argparse
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

_ROOT = Path(__file__).parents[2]


class _Outcome(Protocol):
    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""


T = TypeVar("T", bound=_Outcome)


class Results(Generic[T]):
    """The outcomes so far, in a file of JSON lines.

    Args:
        path: The file.
        read: Returns an outcome from what its `to_json` returned.

    Attributes:
        outcomes: The outcomes, by model and variant.
    """

    def __init__(self, path: Path, read: Callable[[Mapping[str, Any]], T]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.outcomes: dict[tuple[str, str], T] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            row = json.loads(line)
            key = row.pop("model"), row.pop("variant")
            self.outcomes[key] = read(row)

    def add(self, model: str, variant: str, outcome: T) -> None:
        """Adds an outcome."""
        row = {"model": model, "variant": variant, **outcome.to_json()}
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            self.outcomes[model, variant] = outcome

    def list_missing(self, model: str, variants: Iterable[str]) -> list[str]:
        """Returns the variants of a model without an outcome, in order."""
        return [each for each in variants if (model, each) not in self.outcomes]


def parse_arguments(target: str, page: str, description: str) -> argparse.Namespace:
    """Parses the command line of a sweep, makes its folder, and forgets results if asked to.

    Args:
        target: The target of make that runs it.
        page: Name of the page that it writes.
        description: What it does.

    Returns:
        `wheels`, the folder for packages; `results`, the file of results; `page`, the path of the
        page; `only`, text in the names of the models to run; and `page_only`.
    """
    parser = argparse.ArgumentParser(prog=f"make {target}", description=description)
    parser.add_argument("--folder", type=Path, default=_ROOT / "build" / target)
    parser.add_argument("--page", type=Path, default=_ROOT / "docs" / page)
    parser.add_argument("--only", default="", help="text in the names of the models to run")
    parser.add_argument("--afresh", action="store_true", help="forget earlier results")
    parser.add_argument("--page-only", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    arguments.wheels = arguments.folder / "packages"
    arguments.wheels.mkdir(parents=True, exist_ok=True)
    arguments.results = arguments.folder / "results.jsonl"
    if arguments.afresh:
        arguments.results.unlink(missing_ok=True)
    return arguments
