"""What jobs this machine can run, told from what is installed: nothing is imported for it."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec


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
