"""Runs qai_hub_models' own tests that name `qai_hub`."""

import os
import re
import subprocess
from pathlib import Path

from models.exports import Exporter

_NAMES_CLIENT = re.compile(r"^\s*(?:import|from) qai_hub\b", re.MULTILINE)


def run_own_tests(exporter: Exporter) -> dict[str, int]:
    """Runs them in the environment of a client, with the hub as its server.

    Args:
        exporter: Knows the environment and the hub.

    Returns:
        How many passed, failed and so on, as pytest counts them; "files" tells in how many files
        they are.
    """
    (package,) = exporter.environment.glob("lib/python3*/site-packages/qai_hub_models")
    files = sorted(
        path
        for path in (package / "test").rglob("test_*.py")
        if _NAMES_CLIENT.search(path.read_text("utf-8"))
    )
    log = exporter.folder / "logs" / exporter.client / "own-tests.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(exporter.environment / "bin" / "python"), "-m", "pytest", "-q", "-rfE"]
    # Without the settings of this project, in whose folder the environment is.
    command += ["-c", os.devnull, "--rootdir", str(package)]
    command += ["-p", "no:cacheprovider", "--continue-on-collection-errors", *map(str, files)]
    with log.open("wb") as file:
        subprocess.run(
            command,
            cwd=package.parent,
            env=exporter.make_environ(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return {"files": len(files), **read_counts(log)}


def read_counts(log: Path) -> dict[str, int]:
    """Reads what pytest counted.

    Args:
        log: What it printed.

    Returns:
        The numbers of its last line, by their names.

    Raises:
        ValueError: It printed no such line.
    """
    lines = log.read_text("utf-8", "replace").splitlines()
    last = next((line for line in reversed(lines) if re.search(r"\d+ \w+.* in [\d.]+s", line)), "")
    counts = re.findall(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected)", last)
    if not counts:
        raise ValueError(f"pytest counted nothing: see {log}")
    return {name.rstrip("s") if name == "errors" else name: int(count) for count, name in counts}
