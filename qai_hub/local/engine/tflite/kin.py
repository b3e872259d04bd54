"""Operators with integer kernels that the quantizer does not know, as others that it does."""

from typing import Final

from ai_edge_litert import schema_py_generated as schema

from qai_hub.local.engine.tflite.contents import TfliteFile

_OPERATORS = schema.BuiltinOperator
# Both of a pair take the same inputs, and return a tensor of the same scale.
_KIN: Final = {
    "MINIMUM": _OPERATORS.MAXIMUM,
    "REDUCE_MAX": _OPERATORS.REDUCE_MIN,
}
# The versions from which on runtimes have kernels for integers of so many bits.
_VERSIONS: Final = {8: 2, 16: 3}


def replace_by_kin(file: TfliteFile) -> None:
    """Let operators that the quantizer does not know pass for others, in place.

    Args:
        file: The float model.
    """
    for code in file.model.operatorCodes:
        name = file.code_name(code)
        if name in _KIN:
            # It means something for custom operators only, and the quantizer passes it on.
            code.customCode = name
            code.version = 1
            file.set_operator(code, _KIN[name])


def restore_kin(file: TfliteFile, bits: int) -> None:
    """Undo `replace_by_kin`, in place.

    Args:
        file: The quantized model.
        bits: Number of bits of its tensors.
    """
    for code in file.model.operatorCodes:
        name = (code.customCode or b"").decode()
        if name in _KIN:
            code.customCode = None
            code.version = _VERSIONS[bits]
            file.set_operator(code, getattr(_OPERATORS, name))
