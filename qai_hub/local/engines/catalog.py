"""The table of engines: what each is for, and the list of packages that it is made of."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

_LOCKS = Path(__file__).with_name("locks")
_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_LINUX = ("Linux", "x86_64")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine.

    Attributes:
        name: Its name, as in `qai-hub engine install NAME`.
        description: What jobs do with it.
        lock: The list of all its packages, with exact versions, in the form of a requirements file.
        modules: What must be importable once it is installed.
        pythons: The versions of Python that it can have, the preferred one first; none if it is
            laid over the packages of the hub's own environment, whose Python it then shares.
        runtimes: The target runtimes that only it makes models for.
        qairt_sdk: The version of QAIRT that it has; empty for none.
        platforms: The systems and processors that it is for.
        download: What is downloaded to install it, in bytes, roughly.
    """

    name: str
    description: str
    lock: Path
    modules: tuple[str, ...]
    pythons: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    qairt_sdk: str = ""
    platforms: tuple[tuple[str, str], ...]
    download: int

    @property
    def is_overlay(self) -> bool:
        """Whether it is laid over the packages of the hub's own environment."""
        return not self.pythons

    @property
    def qairt(self) -> str:
        """The version of QAIRT that it has, by two numbers; empty for none."""
        return _shorten(self.qairt_sdk)

    @property
    def label(self) -> str:
        """The label of jobs that need it, and of processes that offer it."""
        return f"engine-{self.name}"

    @property
    def install_command(self) -> str:
        """The command that installs it."""
        return f"qai-hub engine install {self.name}"

    @cached_property
    def packages(self) -> Mapping[str, str]:
        """The version of each of its packages."""
        return MappingProxyType(dict(_PIN.findall(self.lock.read_text("utf-8"))))

    @cached_property
    def digest(self) -> str:
        """A digest of its packages: an engine with another one is of another release."""
        pins = "\n".join(f"{name}=={self.packages[name]}" for name in sorted(self.packages))
        return hashlib.sha256(pins.encode()).hexdigest()


def _shorten(sdk: str) -> str:
    """Return a version of QAIRT by two numbers."""
    return ".".join(sdk.split(".")[:2])


def _qnn(sdk: str) -> Engine:
    qairt = _shorten(sdk)
    return Engine(
        name=f"qnn-{qairt}",
        description=f"compile, link and run with QAIRT {qairt}",
        lock=_LOCKS / f"qnn-{qairt}.txt",
        modules=("onnxruntime", "onnxruntime_qnn"),
        qairt_sdk=sdk,
        platforms=(_LINUX,),
        download=110 << 20,
    )


TFLITE = Engine(
    name="tflite",
    description="compile for TensorFlow Lite",
    lock=_LOCKS / "tflite.txt",
    modules=("onnx2tf", "ai_edge_litert.interpreter", "ai_edge_quantizer"),
    pythons=("3.12", "3.13"),
    runtimes=("tflite",),
    platforms=(_LINUX, ("Linux", "aarch64")),
    download=130 << 20,
)

ENGINES: dict[str, Engine] = {
    each.name: each for each in (TFLITE, *map(_qnn, ("2.47.0", "2.48.40", "2.49.40", "2.50.40")))
}
"""The engines by their names."""


def engine_of_runtime(runtime: str | None) -> Engine | None:
    """Return the engine that alone makes models for a target runtime; None for any other."""
    return next((each for each in ENGINES.values() if runtime in each.runtimes), None)
