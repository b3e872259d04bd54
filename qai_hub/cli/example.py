"""The example folder of a local hub, and the commands that try it."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from qai_hub.cli.common import print_error
from qai_hub.local.engine.environment import worker_environment

_SECONDS = 60


def ensure_examples(data_dir: Path) -> None:
    """Writes the example folder into a data folder that has none, and says so if that fails."""
    folder = data_dir / "examples"
    if folder.exists():
        return
    command = [sys.executable, "-P", "-m", "qai_hub.local.engine.example", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - the hub's own command
            command,
            env=worker_environment(data_dir),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        failure = done.stderr.strip().splitlines()[-1:] if done.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        failure = [str(error)]
    if failure:
        print_error(
            f"The examples cannot be written: {failure[0].rstrip('.')}. The hub works without them."
        )


def describe_first_job(data_dir: Path, configuration: Path) -> Iterator[str]:
    """Yields the lines to copy into another terminal.

    Args:
        data_dir: The data folder.
        configuration: The configuration of the user.
    """
    yield f"export QAIHUB_CLIENT_INI={shlex.quote(str(configuration))}"
    script = data_dir / "examples" / "first_job.py"
    if script.is_file():
        python = shlex.quote(sys.executable)
        yield f"{python} {shlex.quote(str(script))}  # compiles and runs the model.onnx beside it"
