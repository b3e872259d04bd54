"""Quantizing operators whose input no other operator has quantized.

ONNX Runtime's quantizer leaves operators that move, select or clamp values in floats unless their
input is quantized already, since quantizing them alone saves no time. Chips that compute with
integers only need it: there, a float operator cannot run at all.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, cast

from onnxruntime.quantization import registry
from onnxruntime.quantization.operators.activation import QDQRemovableActivation

# The quantizer's own option does so for the other operators of this kind, such as MaxPool,
# Transpose, Gather and Where.
FORCE_OPTION = "ForceQuantizeNoInputCheck"


class _Activation(QDQRemovableActivation):  # type: ignore[misc]  # untyped in ONNX Runtime
    def quantize(self) -> None:
        name = self.node.input[0]
        if not self.quantizer.is_tensor_quantized(name):
            self.quantizer.quantize_activation_tensor(name)
        super().quantize()


@contextmanager
def quantizing_first_operators() -> Iterator[None]:
    """Make the quantizer quantize every Relu and Clip, for which it has no option."""
    table = cast("MutableMapping[str, Any]", registry.QDQRegistry)
    before = {op: table[op] for op in ("Relu", "Clip")}
    table.update(dict.fromkeys(before, _Activation))
    try:
        yield
    finally:
        table.update(before)
