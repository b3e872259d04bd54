"""The packages that a worker runs with: those of the hub, or those of an engine."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from qai_hub.local.engine import apart
from qai_hub.local.engine.environment import hub_packages, worker_environment
from qai_hub.local.engines.catalog import Engine
from qai_hub.local.engines.places import Installation


@dataclass(frozen=True, slots=True)
class WorkerPackages:
    """Packages, and the Python that imports them.

    Attributes:
        engine: The engine that they are of; empty for those of the hub.
        interpreter: The Python.
        overlay: The folder of packages that come before those of the hub; None for none.
        is_apart: Whether the Python is of an environment that has none of the hub's packages.
    """

    engine: str
    interpreter: Path
    overlay: Path | None = None
    is_apart: bool = False

    @classmethod
    def of_engine(cls, engine: Engine, installation: Installation) -> Self:
        """Return the packages of an installed engine."""
        interpreter = installation.get_interpreter(engine)
        if engine.is_overlay:
            return cls(engine.name, interpreter, overlay=installation.overlay)
        return cls(engine.name, interpreter, is_apart=True)

    def get_command(self, module: str) -> list[str]:
        """Return the command that runs a module of the hub."""
        run = [apart.__file__] if self.is_apart else ["-m"]
        return [str(self.interpreter), *("-P", "-X", "faulthandler", "-X", "utf8"), *run, module]

    def get_environment(self, folder: Path) -> dict[str, str]:
        """Return the environment variables of a worker.

        Args:
            folder: Its folder.
        """
        overlay = [] if self.overlay is None else [str(self.overlay)]
        return worker_environment(folder, [] if self.is_apart else [*overlay, *hub_packages()])


HUB_PACKAGES = WorkerPackages("", Path(sys.executable))
"""The packages of the hub."""
