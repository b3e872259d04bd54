"""The inputs and outputs of an ONNX model, in the terms of the API."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import onnx

from qai_hub.closest import closest_names
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import TensorSpec, quote_name

DTYPES: dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.INT16: "int16",
    onnx.TensorProto.UINT16: "uint16",
    onnx.TensorProto.BOOL: "bool",
}
# Channels last to channels first, and back; with a batch dimension and without.
_LAYOUT_CHANGES = ((0, 3, 1, 2), (0, 2, 3, 1), (2, 0, 1), (1, 2, 0))
_NAME_LIMIT = 1024
_MAX_ELEMENTS = 2**40


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output as a model declares it.

    Attributes:
        name: Its name.
        dtype: Its element type, such as "float32".
        shape: Its dimensions: a number if fixed, a symbol or "?" if dynamic; None if even their
            number is unknown.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None

    def __str__(self) -> str:
        dims = "..." if self.shape is None else ", ".join(map(str, self.shape))
        return f"{quote_name(self.name)}: {self.dtype}[{dims[:200]}]"

    @property
    def dynamic_dims(self) -> list[int]:
        """Indices of the dimensions that are not fixed."""
        return [i for i, dim in enumerate(self.shape or ()) if isinstance(dim, str)]

    def accepts(self, shape: Sequence[int]) -> bool:
        """Return whether a tensor of a shape fits."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            isinstance(own, str) or own == given
            for own, given in zip(self.shape, shape, strict=True)
        )

    def suggest_change(self, shape: Sequence[int]) -> str:
        """Return an expression that gives a sample of a shape the shape of the model.

        Args:
            shape: A shape that does not fit.

        Returns:
            An expression in Python; empty if the sample has other data, not just another layout.
        """
        for order in _LAYOUT_CHANGES:
            if len(order) == len(shape) and self.accepts([shape[axis] for axis in order]):
                return f"numpy.transpose(sample, {order})"
        if self.accepts((1, *shape)):
            return "sample[numpy.newaxis]"
        if len(shape) > 1 and shape[0] == 1 and self.accepts(shape[1:]):
            return "sample[0]"
        return ""

    def to_spec(self) -> TensorSpec:
        """Return its spec, with a fixed shape.

        Raises:
            JobFailure: A dimension is dynamic, or it has too many elements.
        """
        if self.shape is None:
            reason = f"The model declares no shape for its input {self}: export it with a shape."
            raise JobFailure(FailureType.INVALID_INPUTS, reason)
        if self.dynamic_dims:
            index = self.dynamic_dims[0]
            sizes = tuple(size if isinstance(size, int) else 1 for size in self.shape)
            specs = f"{{{quote_name(self.name)}: {sizes}}}"
            reason = (
                f"Dimension {index} ({quote_name(str(self.shape[index]))}) of the input {self} is "
                f"dynamic: compile the model with input_specs that give it a size, such as {specs}"
                f' (on the command line: --input-specs "{specs}").'
            )
            raise JobFailure(FailureType.INVALID_INPUTS, reason)
        shape = tuple(map(int, self.shape))
        if math.prod(shape) > _MAX_ELEMENTS:
            reason = f"The input {self} is too large: it has {math.prod(shape)} elements."
            raise JobFailure(FailureType.INVALID_INPUTS, reason)
        return TensorSpec(name=self.name, shape=shape, dtype=self.dtype)


def get_inputs(model: onnx.ModelProto) -> list[Port]:
    """Return the required inputs of a model, in its order.

    Args:
        model: The model.

    Raises:
        JobFailure: An input has a type that the API does not define.
    """
    return [_parse_port(value, "input") for value in get_required_inputs(model)]


def get_outputs(model: onnx.ModelProto) -> list[Port]:
    """Return a model's outputs, in its order.

    Args:
        model: The model.

    Raises:
        JobFailure: An output has a type that the API does not define.
    """
    return [_parse_port(value, "output") for value in model.graph.output]


def get_required_inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the graph's inputs, except those that have an initializer."""
    given = {tensor.name for tensor in model.graph.initializer}
    given |= {tensor.values.name for tensor in model.graph.sparse_initializer}
    return [value for value in model.graph.input if value.name not in given]


def format_ports(ports: Sequence[Port]) -> str:
    """Format a list of ports for a message."""
    return ", ".join(map(str, ports[:50])) or "no inputs"


def describe_name_mismatch(ports: Sequence[Port], names: Sequence[str]) -> str:
    """Compare names from a user with a model's inputs.

    Args:
        ports: The model's inputs.
        names: The names.

    Returns:
        How they differ; empty if they do not.
    """
    expected = {port.name for port in ports}
    problems = [
        f"unknown: {quote_name(name)}{_similar_name(name, expected)}"
        for name in names
        if name not in expected
    ]
    problems += [f"missing: {quote_name(port.name)}" for port in ports if port.name not in names]
    problems += [f"repeated: {quote_name(n)}" for n in sorted(set(names)) if names.count(n) > 1]
    return ", ".join(problems[:20])


def _similar_name(name: str, expected: Iterable[str]) -> str:
    close = closest_names(name, expected, limit=1)
    return f" (did you mean {quote_name(close[0])}?)" if close else ""


def check_name(name: str, role: str, failure_type: FailureType) -> None:
    """Check that a name is valid for an input or output.

    Args:
        name: The name.
        role: "input" or "output".
        failure_type: Class of the cause if it is not.

    Raises:
        JobFailure: The name is not valid.
    """
    if not name or len(name) > _NAME_LIMIT or "\0" in name:
        raise JobFailure(
            failure_type,
            f"The {role} name {quote_name(name)} is not valid: names have 1 to {_NAME_LIMIT} "
            "characters and no NUL.",
        )


def _parse_port(value: onnx.ValueInfoProto, role: str) -> Port:
    name = value.name
    check_name(name, role, FailureType.MODEL_INVALID)
    tensor = value.type.tensor_type
    dtype = DTYPES.get(tensor.elem_type)
    if value.type.WhichOneof("value") != "tensor_type" or dtype is None:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"The {role} {quote_name(name)} has the unsupported type {_format_type(value)}. "
            f"Supported are tensors of {', '.join(DTYPES.values())}: cast it inside the model.",
        )
    if not tensor.HasField("shape"):
        return Port(name, dtype, None)
    return Port(name, dtype, tuple(map(_parse_dim, tensor.shape.dim)))


def _parse_dim(dim: onnx.TensorShapeProto.Dimension) -> int | str:
    if dim.HasField("dim_value") and dim.dim_value >= 0:
        return int(dim.dim_value)
    return str(dim.dim_param) or "?"


def _format_type(value: onnx.ValueInfoProto) -> str:
    kind = value.type.WhichOneof("value")
    if kind == "tensor_type":
        known = onnx.TensorProto.DataType.values()
        elem_type = value.type.tensor_type.elem_type
        name = onnx.TensorProto.DataType.Name(elem_type) if elem_type in known else elem_type
        return f"tensor of {name}"
    return str(kind or "nothing").removesuffix("_type")
