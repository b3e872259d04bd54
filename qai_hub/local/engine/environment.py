"""The environment variables of the processes that a hub starts."""

import os
import sys
from pathlib import Path

_INHERITED_VARIABLES = {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}


def worker_environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of a worker: what Python needs to run, and no secrets.

    Args:
        folder: The worker's folder, for its temporary files.

    Returns:
        The variables.
    """
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in _INHERITED_VARIABLES or name.startswith("LC_")
    }
    return {
        **inherited,
        "TMPDIR": str(folder),
        # The worker finds the same packages as the hub, however the hub was installed.
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path),
        # numpy's BLAS, which the worker does not use, would reserve address space per core.
        "OPENBLAS_NUM_THREADS": "1",
        # Official builds of ONNX Runtime send telemetry unless it is disabled.
        "ORT_DISABLE_TELEMETRY": "1",
    }
