"""Runtime frameworks of the local hub, found from installed packages without importing them."""

import ctypes
import platform
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qai_hub.local.engines.catalog import ENGINES, TFLITE, Engine
from qai_hub.local.engines.places import (
    State,
    describe_fault,
    describe_lack,
    examine,
    get_state,
)

_QNN = "onnxruntime-qnn"
_QNN_BUILD_INFO = "onnxruntime_qnn/build_and_package_info.py"
_QNN_SDK = re.compile(r"""^qnn_version\s*=\s*['"]([0-9.]+)['"]""", re.MULTILINE)


def installed_frameworks(offered: Collection[str] | None = None) -> list[dict[str, Any]]:
    """List the frameworks.

    Args:
        offered: The labels of what the processes offer that run jobs; None if this machine does.

    Returns:
        Frameworks in the contract's JSON form. QAIRT is included if this hub can compile with it,
        and each other version of it for which an engine is installed where jobs run.
    """
    versions = {
        "onnx": installed_version("onnx"),
        "onnxruntime": installed_version("onnxruntime"),
        "QAIRT": qairt_version(),
    }
    own = [_to_json(name, version, _OWN_TAGS) for name, version in versions.items() if version]
    engines = [engine for engine in ENGINES.values() if engine.qairt_sdk]
    if offered is None:
        there = [engine for engine in engines if get_state(engine) is State.INSTALLED]
    else:
        there = [engine for engine in engines if engine.label in offered]
    return own + [_to_json("QAIRT", engine.qairt_sdk, ()) for engine in there]


_OWN_TAGS = ("default", "latest")


def _to_json(name: str, version: str, tags: Iterable[str]) -> dict[str, Any]:
    return {
        "name": name,
        "api_version": ".".join(version.split(".")[:2]),
        "api_tags": list(tags),
        "full_version": version,
    }


def qairt_version() -> str | None:
    """Return the version of the QAIRT SDK that onnxruntime-qnn contains.

    Returns:
        The version, such as "2.51.0", read from a small Python file of that package; None if the
        package is not installed or has no such file.
    """
    try:
        path = metadata.distribution(_QNN).locate_file(_QNN_BUILD_INFO)
        found = _QNN_SDK.search(Path(str(path)).read_text("utf-8"))
    except (metadata.PackageNotFoundError, FileNotFoundError):
        return None
    return found[1] if found else None


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Capability:
    """One capability of the hub, and what it requires.

    Attributes:
        formats: Target runtimes, or formats of input models.
        description: What the hub does with them.
        extra: The extra of this package that it needs; empty if it needs an engine.
        modules: The modules that this extra installs.
        platforms: The systems and processors that support it; empty for all.
        libraries: Libraries of the system that these modules load, and Debian's packages of them.
        engine: The engine that it needs; None if it needs none.
    """

    formats: str
    description: str
    extra: str
    modules: tuple[str, ...]
    platforms: tuple[tuple[str, str], ...] = ()
    libraries: tuple[tuple[str, str], ...] = ()
    engine: Engine | None = None

    @property
    def label(self) -> str:
        """The label of jobs that need it, and of processes that offer it."""
        return self.extra if self.engine is None else self.engine.label

    @property
    def missing(self) -> str:
        """What this machine lacks for it; empty if nothing."""
        if self.engine is not None:
            return describe_lack(self.engine)
        if self.platforms and (platform.system(), platform.machine()) not in self.platforms:
            names = ", ".join(f"{system} on {processor}" for system, processor in self.platforms)
            return f"only on {names}"
        if not all(map(find_spec, self.modules)):
            return f"needs pip install 'qai-hub-openapi[{self.extra}]'"
        for library, package in self.libraries:
            if not _has_library(library):
                return f"needs the system's {library} (Debian, Ubuntu: apt install {package})"
        return ""


def _has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


CAPABILITIES = (
    Capability("onnx", "compile, quantize, run on the CPU", "local", ("onnx", "onnxruntime")),
    Capability(
        "qnn_context_binary, qnn_dlc, precompiled_qnn_onnx",
        "compile, link, run in HTP simulation",
        "qnn",
        ("onnxruntime_qnn",),
        platforms=(("Linux", "x86_64"),),
        libraries=(("libatomic.so.1", "libatomic1"),),
    ),
    Capability("tflite", "run on the CPU", "tflite", ("ai_edge_litert",)),
    Capability("tflite as a target", "compile", "", (), engine=TFLITE),
    Capability("TorchScript, exported programs", "compile", "torch", ("torch", "onnxscript")),
)


def format_capabilities() -> Iterator[str]:
    """Yield a line for each capability: whether this machine has it, or else what it lacks."""
    for ability in CAPABILITIES:
        yield f"{ability.formats}: {ability.missing or ability.description}"


def describe_engines() -> str:
    """Return the engines that this machine has, and what is wrong with any, for a line."""
    found = list[str]()
    for engine in ENGINES.values():
        state, _ = examine(engine)
        if state is State.INSTALLED:
            found.append(engine.name)
        elif state in {State.OUTDATED, State.BROKEN}:
            fault = describe_fault(engine)
            why = f", as {fault}" if fault else ""
            found.append(f"{engine.name} ({state}{why}: run `{engine.install_command}`)")
    return ", ".join(found) or "none"
