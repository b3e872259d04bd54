"""Calls of the official client's command line, all of which share a process to fork from."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

OfficialCall: TypeAlias = Callable[
    [Sequence[str], Path, Mapping[str, str]], subprocess.CompletedProcess[str]
]


@contextmanager
def official_calls() -> Iterator[OfficialCall]:
    """Give a function that calls the command: with its arguments, in a folder, with variables."""
    command = [os.environ["OFFICIAL_PYTHON"], str(Path(__file__).with_name("official_command.py"))]
    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": home, "USERPROFILE": home},
            cwd=home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        streams = [Path(home, name) for name in ("stdout", "stderr")]

        def call(
            arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
        ) -> subprocess.CompletedProcess[str]:
            assert process.stdin is not None
            assert process.stdout is not None
            wanted = {
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "streams": [str(path) for path in streams],
            }
            process.stdin.write(json.dumps(wanted) + "\n")
            process.stdin.flush()
            status = int(process.stdout.readline())
            out, err = (path.read_text("utf-8") for path in streams)
            return subprocess.CompletedProcess(list(arguments), status, out, err)

        yield call
