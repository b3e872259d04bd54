"""Runs the scripts of the folder `scripts` under the client that this interpreter has.

    python run_scripts.py OUTPUT.json

Each script is a function. What it prints, and what kind of error ends it, goes into the file, with
what the client itself printed on the way. Nothing here knows which client it is.
"""

import contextlib
import importlib
import inspect
import io
import json
import pkgutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

_SLEEP, _MONOTONIC = time.sleep, time.monotonic
_NAP = 0.02


def scripts_of(folder: Path) -> Iterator[tuple[str, ModuleType, Callable[[], None]]]:
    """The scripts in a folder, with their names and modules."""
    sys.path.insert(0, str(folder.parent))
    for found in pkgutil.iter_modules([str(folder)]):
        if not found.name.startswith("_"):
            module = importlib.import_module(f"{folder.name}.{found.name}")
            for name, function in list(vars(module).items()):
                own = inspect.isfunction(function) and function.__module__ == module.__name__
                if own and not name.startswith("_"):
                    yield f"{found.name}.{name}", module, function


def run(module: ModuleType, script: Callable[[], None]) -> dict[str, Any]:
    """Runs a script, and tells what came of it."""
    printed, noise = io.StringIO(), io.StringIO()
    vars(module)["print"] = partial(print, file=printed)
    kinds: list[str] = []
    told = ""
    began = time.perf_counter()
    with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(io.StringIO()):
        try:
            script()
        except Exception as error:  # noqa: BLE001 - whatever it is, is what is compared
            kinds = [kind.__name__ for kind in type(error).__mro__]
            told = "".join(traceback.format_exception(error))
    return {
        "printed": printed.getvalue(),
        "kinds": kinds,
        "told": told,
        "noise": noise.getvalue(),
        "seconds": time.perf_counter() - began,
    }


class Clock:
    """A clock that runs ahead by what was not slept: nobody waits for pauses between retries."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def sleep(self, seconds: float) -> None:
        """Sleeps for a moment at most."""
        _SLEEP(min(seconds, _NAP))
        self._ahead += max(seconds - _NAP, 0.0)

    def monotonic(self) -> float:
        """Seconds that seem to have passed."""
        return _MONOTONIC() + self._ahead


def main(output: str) -> None:
    """Runs all scripts."""
    warnings.simplefilter("ignore")
    clock = Clock()
    vars(time).update(sleep=clock.sleep, monotonic=clock.monotonic)
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from interop.names_used import NamesUsed

    import qai_hub as hub

    hub.set_verbose(False)
    folder = Path(__file__).with_name("scripts")
    used = NamesUsed(importlib.import_module("qai_hub.hub"), folder)
    outcomes = {}
    for name, module, script in scripts_of(folder):
        with used.watching():
            outcomes[name] = run(module, script)
    told = {"outcomes": outcomes, "names": sorted(used.names)}
    Path(output).write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
