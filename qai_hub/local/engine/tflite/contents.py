"""Reads and changes the operators and tensors of a .tflite file."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

# The objects of the schema have no types.
Tensor = Any
Operator = Any

_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
_TYPE_NAMES = {
    code: name for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}
_FLOAT_TYPES = {schema.TensorType.FLOAT32, schema.TensorType.FLOAT16}
_TYPES = {
    "float16": schema.TensorType.FLOAT16,
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
}
_MAX_DEPRECATED_CODE = 127
# The first buffer of a file is empty, and stands for no value.
_NO_BUFFER = 0
# The options of operators that are added to models.
_OPTIONS = {
    "ADD": "AddOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "MUL": "MulOptions",
    "SUB": "SubOptions",
}
# Operators that only convert floats to integers and back.
CONVERTING_OPS = frozenset({"QUANTIZE", "DEQUANTIZE"})


@dataclass(frozen=True)
class TfliteFile:
    """A model that has been read from its file.

    Attributes:
        model: The root object of the schema.
    """

    model: Any

    @classmethod
    def read(cls, path: Path) -> "TfliteFile":
        """Read a file.

        Args:
            path: The .tflite file.
        """
        return cls(flatbuffer_utils.read_model(str(path)))

    def write(self, path: Path) -> None:
        """Write the model to a file.

        Args:
            path: The .tflite file.
        """
        flatbuffer_utils.write_model(self.model, str(path))

    @cached_property
    def graph(self) -> Any:  # noqa: ANN401 - the schema has no types
        """The main graph."""
        return self.model.subgraphs[0]

    def operator_name(self, operator: Operator) -> str:
        """Return the name of an operator, such as "CONV_2D"."""
        return self.code_name(self.model.operatorCodes[operator.opcodeIndex])

    @staticmethod
    def code_name(code: Any) -> str:  # noqa: ANN401 - the schema has no types
        """Return the name of the operator that a code stands for."""
        if code.builtinCode == schema.BuiltinOperator.CUSTOM:
            return str(code.customCode.decode(errors="replace"))
        return str(_OPERATOR_NAMES.get(code.builtinCode, code.builtinCode))

    def rename(self, convert: Callable[[str], str]) -> None:
        """Rename all tensors, and the inputs and outputs of signatures.

        Args:
            convert: Returns the new name of a tensor.
        """
        for graph in self.model.subgraphs:
            for tensor in graph.tensors:
                tensor.name = convert(tensor.name.decode()).encode()
        for signature in self.model.signatureDefs or []:
            for port in [*signature.inputs, *signature.outputs]:
                port.name = convert(port.name.decode()).encode()

    def list_custom_operators(self) -> set[str]:
        """Return the names of operators that are not built into runtimes."""
        return {
            self.operator_name(each)
            for graph in self.model.subgraphs
            for each in graph.operators
            if self.model.operatorCodes[each.opcodeIndex].builtinCode
            == schema.BuiltinOperator.CUSTOM
        }

    def has_state(self) -> bool:
        """Return whether operators keep a state from one inference to the next."""
        return any(tensor.isVariable for graph in self.model.subgraphs for tensor in graph.tensors)

    def read_floats(self, tensor: Tensor) -> np.ndarray[Any, Any] | None:
        """Return the value of a constant of 32-bit floats; None for other tensors."""
        data = self.model.buffers[tensor.buffer].data
        if data is None or tensor.type != schema.TensorType.FLOAT32:
            return None
        shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
        return np.frombuffer(bytes(data), np.float32).reshape(shape)

    def is_empty(self, tensor: Tensor) -> bool:
        """Return whether a tensor of 32-bit floats has no value in the file."""
        is_float = tensor.type == schema.TensorType.FLOAT32
        return is_float and self.model.buffers[tensor.buffer].data is None

    def fill_with_zeros(self, tensor: Tensor) -> None:
        """Make a tensor of 32-bit floats a constant of zeros."""
        tensor.isVariable = False
        tensor.buffer = self.add_buffer(np.zeros([int(size) for size in tensor.shape], np.float32))

    def add_metadata(self, name: bytes, value: bytes) -> None:
        """Add metadata to the file.

        Args:
            name: Its name.
            value: Its value.
        """
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, self.add_buffer(np.frombuffer(value, np.uint8))
        self.model.metadata = [*(self.model.metadata or []), entry]

    def list_floats(self) -> set[str]:
        """Return the names of the inputs and computed tensors of the main graph that are floats."""
        computed = {index for each in self.graph.operators for index in each.outputs}
        found = (self.graph.tensors[index] for index in computed | set(self.graph.inputs))
        return {each.name.decode() for each in found if each.type in _FLOAT_TYPES}

    def add_constant(self, name: str, values: np.ndarray[Any, Any]) -> int:
        """Add a constant to the main graph.

        Args:
            name: Its name.
            values: Its value, of floats or integers.

        Returns:
            Its index.
        """
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name.encode(), list(values.shape)
        tensor.type, tensor.buffer = _TYPES[values.dtype.name], self.add_buffer(values)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def is_float(self, index: int) -> bool:
        """Return whether a tensor of the main graph has 32-bit floats."""
        return bool(self.graph.tensors[index].type == schema.TensorType.FLOAT32)

    def add_like(self, name: str, index: int) -> int:
        """Add a tensor to compute to the main graph.

        Args:
            name: Its name.
            index: The tensor whose type and shape it has.

        Returns:
            Its index.
        """
        like, tensor = self.graph.tensors[index], schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), like.shape, like.type
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def build_operator(
        self, name: str, inputs: Sequence[int], output: int, version: int = 1
    ) -> Operator:
        """Return an operator with default options, which is not in the graph yet.

        Args:
            name: Its name, such as "ADD".
            inputs: The tensors that it takes.
            output: The tensor that it computes.
            version: Its version.
        """
        operator = schema.OperatorT()
        operator.opcodeIndex = self.add_code(getattr(schema.BuiltinOperator, name), version)
        operator.inputs, operator.outputs = list(inputs), [output]
        options = _OPTIONS.get(name)
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
        return operator

    def replace_operators(self, replace: Callable[[Operator], list[Operator] | None]) -> None:
        """Replace operators of the main graph, and forget the constants that are then unused.

        Args:
            replace: Returns what stands for an operator; None to keep it.
        """
        operators: list[Operator] = []
        for operator in self.graph.operators:
            operators += replace(operator) or [operator]
        self.graph.operators = operators
        self.forget_unused_values()

    def add_buffer(self, values: np.ndarray[Any, Any]) -> int:
        """Add a place for the value of a constant.

        Args:
            values: The value.

        Returns:
            Its index.
        """
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        return len(self.model.buffers) - 1

    def add_quantized(
        self, like: Tensor, steps: np.ndarray[Any, Any], scales: np.ndarray[Any, Any]
    ) -> int:
        """Add a quantized constant to the main graph, whose zero points are 0.

        Args:
            like: Another one, from which it has all that is not given here.
            steps: Its integers.
            scales: Its scale, or one for each channel.

        Returns:
            Its index.
        """
        index = self.add_constant(like.name.decode(), steps)
        tensor = self.graph.tensors[index]
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.asarray(scales, np.float32)
        tensor.quantization.zeroPoint = np.zeros(scales.size, np.int64)
        tensor.quantization.quantizedDimension = like.quantization.quantizedDimension
        return index

    def add_code(self, operator: int, version: int = 1) -> int:
        """Return the index of the code of a built-in operator, which is added if there is none.

        Args:
            operator: The operator, as in the schema.
            version: Its version.
        """
        for index, code in enumerate(self.model.operatorCodes):
            if (code.builtinCode, code.version) == (operator, version):
                return index
        code = schema.OperatorCodeT()
        self.set_operator(code, operator)
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    @staticmethod
    def set_operator(code: Any, operator: int) -> None:  # noqa: ANN401 - the schema has no types
        """Make a code that of another built-in operator.

        Args:
            code: The code, which is changed.
            operator: The operator, as in the schema.
        """
        code.builtinCode = operator
        # Old runtimes read another field, which has room for fewer operators.
        code.deprecatedBuiltinCode = min(operator, _MAX_DEPRECATED_CODE)

    def share_constants(self) -> None:
        """Store constants of the same shape and value once, and those of other shapes apart.

        The quantizer would take the shape of one for all that are stored in one place.
        """
        first: dict[tuple[int, bytes, bytes], int] = {}
        taken: set[int] = set()
        for graph in self.model.subgraphs:
            for tensor in graph.tensors:
                data = self.model.buffers[tensor.buffer].data
                if data is not None:
                    shape = np.asarray([] if tensor.shape is None else tensor.shape).tobytes()
                    key = (tensor.type, shape, sha256(bytes(data)).digest())
                    if key not in first:
                        if tensor.buffer in taken:
                            tensor.buffer = self.add_buffer(np.asarray(data))
                        first[key] = tensor.buffer
                        taken.add(tensor.buffer)
                    tensor.buffer = first[key]
        self.forget_unused_values()

    def forget_unused_values(self) -> None:
        """Empty the buffers of constants that no operator uses any more.

        A constant that is not used has no value either where others have the same: the quantizer
        would change that, but not its type.
        """
        used: set[int] = set()
        for graph in self.model.subgraphs:
            taken = {
                index
                for each in [*graph.operators, graph]
                for index in [*each.inputs, *each.outputs]
            }
            for index, tensor in enumerate(graph.tensors):
                if index not in taken:
                    tensor.buffer = _NO_BUFFER
                used.add(tensor.buffer)
        for index, buffer in enumerate(self.model.buffers):
            if index not in used and index not in self._metadata_buffers():
                buffer.data = None

    def _metadata_buffers(self) -> set[int]:
        return {each.buffer for each in self.model.metadata or []}

    def list_input_types(self) -> list[str]:
        """Return the types of the inputs of the main graph, such as "INT8"."""
        return [_TYPE_NAMES[self.graph.tensors[index].type] for index in self.graph.inputs]

    def list_computed_types(self) -> list[str]:
        """Return the types of the tensors that operators compute, such as "INT8"."""
        return [
            _TYPE_NAMES[graph.tensors[index].type]
            for graph in self.model.subgraphs
            for operator in graph.operators
            for index in operator.outputs
            if index >= 0
        ]

    def count_values(self) -> tuple[int, int]:
        """Return how many tensors operators compute, and how many of these are floats.

        The inputs and outputs of the model, and what a float operator takes and returns, count.
        """
        types = self.list_computed_types()
        return len(types), sum(each.startswith("FLOAT") for each in types)

    def count_float_operators(self) -> Counter[str]:
        """Return the operators that compute floats, and how many there are of each."""
        found: Counter[str] = Counter()
        for graph in self.model.subgraphs:
            for operator in graph.operators:
                name = self.operator_name(operator)
                types = {graph.tensors[index].type for index in operator.outputs if index >= 0}
                if name not in CONVERTING_OPS and types & _FLOAT_TYPES:
                    found[name] += 1
        return found
