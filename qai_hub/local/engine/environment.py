"""The environment variables of the processes that a hub starts."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

_INHERITED_VARIABLES = {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}


def hub_packages() -> list[str]:
    """Return where the hub's own process finds its packages, however it was installed."""
    return [str(Path(entry).absolute()) for entry in sys.path]


def worker_environment(folder: Path, packages: Iterable[str] | None = None) -> dict[str, str]:
    """Return the environment variables of a worker: what Python needs to run, and no secrets.

    Args:
        folder: The worker's folder, for its temporary files.
        packages: Where it finds packages, beside those of its Python; None for where the hub does.

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
        "PYTHONPATH": os.pathsep.join(hub_packages() if packages is None else packages),
        # numpy's BLAS, which the worker does not use, would reserve address space per core.
        "OPENBLAS_NUM_THREADS": "1",
        # Official builds of ONNX Runtime send telemetry unless it is disabled.
        "ORT_DISABLE_TELEMETRY": "1",
    }
