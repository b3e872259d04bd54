"""Runs the official client's command line, whose waits look at a job every ten seconds only.

    python official_command.py

It reads calls, one a line, and answers each with its exit status. A call has a process of its own,
forked from this one, which has imported what the client depends on: that takes a second. The client
itself is imported by each call, in the call's folder and environment, as the command does.
"""

import json
import os
import sys
import time
import traceback
from functools import partial
from typing import Any, NoReturn

_SLEEP = time.sleep


def nap(most: float, seconds: float) -> None:
    """Sleeps for a moment at most."""
    _SLEEP(min(most, seconds))


def import_dependencies() -> None:
    """Imports what the client imports, but keeps nothing of the client."""
    import qai_hub._cli  # type: ignore[import-not-found]  # noqa: F401

    for name in [name for name in sys.modules if name.partition(".")[0] == "qai_hub"]:
        del sys.modules[name]


def call(arguments: list[str], folder: str, environment: dict[str, str]) -> object:
    """Calls the command, and returns what it exits with."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.sleep = partial(nap, 0.02)
    sys.argv[1:] = arguments
    try:
        from qai_hub._cli import main

        return main()
    except SystemExit as end:
        return end.code
    except BaseException:  # noqa: BLE001 - the interpreter would print it and exit with 1
        traceback.print_exc()
        return 1


def become(streams: list[str], **what: Any) -> NoReturn:
    """Makes this process one of the command, which writes to two files."""
    inputs = os.open(os.devnull, os.O_RDONLY)
    os.dup2(inputs, 0)
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    code = call(**what)
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    import_dependencies()
    for line in sys.stdin:
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            become(**wanted)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
