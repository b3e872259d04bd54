"""Which layers of the sandbox this system has, tried by a process that is of no other use."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from qai_hub.local.execution.attempt import worker_environment
from qai_hub.local.execution.sandbox import LAYERS

_SECONDS = 20


def told_sandbox() -> str:
    """Tell in one line what jobs are kept from on this system.

    Returns:
        The line.
    """
    held = sandbox_layers()
    if not held:
        return "Jobs run without a sandbox: this system has none that a plain user may enter."
    missing = [layer for layer in LAYERS if layer not in held]
    lacking = f"; this system does not allow for: {', '.join(missing)}" if missing else ""
    return f"Jobs run in a sandbox: {', '.join(held)}{lacking}."


def sandbox_layers() -> list[str]:
    """Return the layers of the sandbox that hold on this system.

    Returns:
        Some of `LAYERS`, in this order.
    """
    with tempfile.TemporaryDirectory(prefix="qai-hub-") as place:
        folder = Path(place, "work", "probe")
        folder.mkdir(parents=True)
        command = [sys.executable, "-P", "-m", "qai_hub.local.execution.sandbox", str(folder)]
        try:
            done = subprocess.run(  # noqa: S603 - the hub's own command
                command,
                env=worker_environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError:
            return []
    held: list[str] = json.loads(done.stdout)
    return held
