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

import qai_hub as hub

_SLEEP = time.sleep


def scripts_of(folder: Path) -> Iterator[tuple[str, ModuleType, Callable[[], None]]]:
    """The scripts in a folder, with their names and modules."""
    sys.path.insert(0, str(folder.parent))
    for found in pkgutil.iter_modules([str(folder)]):
        module = importlib.import_module(f"{folder.name}.{found.name}")
        for name, function in list(vars(module).items()):
            if inspect.isfunction(function) and not name.startswith("_"):
                yield f"{found.name}.{name}", module, function


def run(module: ModuleType, script: Callable[[], None]) -> dict[str, Any]:
    """Runs a script, and tells what came of it."""
    printed, noise = io.StringIO(), io.StringIO()
    vars(module)["print"] = partial(print, file=printed)
    kinds: list[str] = []
    told = ""
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
    }


def nap(seconds: float) -> None:
    """Sleeps for a moment: the official client looks at a job every ten seconds only."""
    _SLEEP(min(seconds, 0.02))


def main(output: str) -> None:
    """Runs all scripts."""
    warnings.simplefilter("ignore")
    time.sleep = nap  # type: ignore[assignment]
    hub.set_verbose(False)
    folder = Path(__file__).with_name("scripts")
    outcomes = {name: run(module, script) for name, module, script in scripts_of(folder)}
    Path(output).write_text(json.dumps(outcomes, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
