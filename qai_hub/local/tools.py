"""The runtime frameworks that jobs run with here, from what is installed; nothing is imported."""

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_QNN = "onnxruntime-qnn"
_QNN_FACTS = "onnxruntime_qnn/build_and_package_info.py"
_QNN_SDK = re.compile(r"""^qnn_version\s*=\s*['"]([0-9.]+)['"]""", re.MULTILINE)


def frameworks() -> list[dict[str, Any]]:
    """List the frameworks.

    Returns:
        Frameworks as the contract writes them. QAIRT is among them if this hub can compile with it.
    """
    versions = {
        "onnx": installed("onnx"),
        "onnxruntime": installed("onnxruntime"),
        "QAIRT": qairt_version(),
    }
    return [
        {
            "name": name,
            "api_version": ".".join(version.split(".")[:2]),
            "api_tags": ["default", "latest"],
            "full_version": version,
        }
        for name, version in versions.items()
        if version
    ]


def qairt_version() -> str | None:
    """Tell the version of the QAIRT SDK that is within onnxruntime-qnn.

    Returns:
        The version, such as "2.51.0", as a small Python file of that package tells it; None if the
        package is not installed, or has no such file.
    """
    try:
        facts = metadata.distribution(_QNN).locate_file(_QNN_FACTS)
        found = _QNN_SDK.search(Path(str(facts)).read_text("utf-8"))
    except (metadata.PackageNotFoundError, FileNotFoundError):
        return None
    return found[1] if found else None


def installed(distribution: str) -> str | None:
    """Tell the version of an installed distribution; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Ability:
    """What a hub can do with models of some kinds.

    Attributes:
        kinds: Target runtimes, or formats of input models.
        does: What it does with them.
        extra: The extra of this package that it takes.
        modules: The modules that this brings.
        machines: The systems and processors that it is for; none for all.
    """

    kinds: str
    does: str
    extra: str
    modules: tuple[str, ...]
    machines: tuple[tuple[str, str], ...] = ()

    @property
    def missing(self) -> str:
        """What keeps this machine from it; empty if nothing does."""
        if self.machines and (platform.system(), platform.machine()) not in self.machines:
            names = ", ".join(f"{system} on {processor}" for system, processor in self.machines)
            return f"only on {names}"
        if all(map(find_spec, self.modules)):
            return ""
        return f"needs pip install 'qai-hub-openapi[{self.extra}]'"


ABILITIES = (
    Ability("onnx", "compile, quantize, run on the CPU", "local", ("onnx", "onnxruntime")),
    Ability(
        "qnn_context_binary, qnn_dlc, precompiled_qnn_onnx",
        "compile, link, run in HTP simulation",
        "qnn",
        ("onnxruntime_qnn",),
        machines=(("Linux", "x86_64"),),
    ),
    Ability("tflite", "run on the CPU", "tflite", ("ai_edge_litert",)),
    Ability("TorchScript, exported programs", "compile", "torch", ("torch", "onnxscript")),
)


def told_abilities() -> Iterator[str]:
    """Tell, a line for each ability, whether this machine has it, or else what it needs."""
    for ability in ABILITIES:
        yield f"{ability.kinds}: {ability.missing or ability.does}"
