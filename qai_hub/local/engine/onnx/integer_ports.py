"""Inputs and outputs of quantized models as integers, without the nodes that convert them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import onnx
from onnx import helper, numpy_helper

from qai_hub.local.engine.onnx.edit import collect_names, rename_tensors, unique_name
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import DTYPES, get_required_inputs
from qai_hub.local.engine.protocol import build_notice, quote_name

_MAX_NAMES_SHOWN = 10
# Operators that pass integers on as they do floats.
_PASSING = frozenset({"Identity", "Transpose"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortEncoding:
    """How the integers of an input or output represent numbers: (integer - zero_point) * scale.

    Attributes:
        dtype: Type of the integers, such as "uint8".
        scale: The scale.
        zero_point: The integer that stands for 0.
    """

    dtype: str
    scale: float
    zero_point: int

    @classmethod
    def of(cls, node: onnx.NodeProto, constants: Mapping[str, onnx.TensorProto]) -> Self | None:
        """Return the encoding of a Q or DQ node; None unless it is constant, with one scale."""
        parts = [constants.get(name) for name in node.input[1:3]]
        if len(parts) < 2 or parts[0] is None or parts[1] is None:
            return None
        scale, zero_point = numpy_helper.to_array(parts[0]), numpy_helper.to_array(parts[1])
        dtype = DTYPES.get(parts[1].data_type)
        if scale.size != 1 or dtype is None:
            return None
        return cls(dtype=dtype, scale=float(scale.item()), zero_point=int(zero_point.item()))

    def encode(self, values: Tensor) -> Tensor:
        """Return the integers for numbers, those outside of the range clipped."""
        limits = np.iinfo(self.dtype)
        ends = self.decode(np.array([limits.min, limits.max]))
        # In the range first, where dividing overflows nowhere.
        steps = np.divide(np.clip(np.nan_to_num(values), *ends), np.float32(self.scale))
        integers = np.clip(np.rint(steps) + self.zero_point, limits.min, limits.max)
        return np.asarray(integers, self.dtype)

    def decode(self, integers: Tensor) -> Tensor:
        """Return the numbers that integers represent."""
        steps = np.subtract(integers, self.zero_point, dtype=np.int64)
        return np.multiply(steps, np.float32(self.scale), dtype=np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Create it from what `to_json` returned."""
        return cls(**value)


Encodings = Mapping[str, PortEncoding]


def encode_inputs(tensors: Mapping[str, Tensor], encodings: Encodings) -> dict[str, Tensor]:
    """Return inputs with the integers that float32 stands for.

    Args:
        tensors: The inputs.
        encodings: How the integers of inputs are encoded.
    """
    return {
        name: encodings[name].encode(tensor)
        if name in encodings and tensor.dtype == np.float32
        else tensor
        for name, tensor in tensors.items()
    }


def decode_outputs(
    names: Sequence[str], tensors: Sequence[Tensor], encodings: Encodings
) -> list[Tensor]:
    """Return outputs with the numbers that integers represent.

    Args:
        names: Names of the outputs.
        tensors: The outputs.
        encodings: How the integers of outputs are encoded.
    """
    return [
        encodings[name].decode(tensor) if name in encodings else tensor
        for name, tensor in zip(names, tensors, strict=True)
    ]


def read_encodings(model: onnx.ModelProto) -> dict[str, PortEncoding]:
    """Return the encodings of the integer inputs and outputs of a quantized model.

    Args:
        model: The model.
    """
    ports = _Ports(model)
    found = {}
    for value in get_required_inputs(model):
        nodes = ports.users_after(value.name)[1]
        if nodes and all(node.op_type == "DequantizeLinear" for node in nodes):
            found[value.name] = ports.common_encoding(nodes)
    for value in model.graph.output:
        maker = ports.maker_before(value.name)[1]
        if maker is not None and maker.op_type == "QuantizeLinear":
            found[value.name] = ports.common_encoding([maker])
    return {name: encoding for name, encoding in found.items() if encoding is not None}


def make_integer_ports(model: onnx.ModelProto) -> list[dict[str, str]]:
    """Remove the Q nodes of float inputs and the DQ nodes of float outputs, in place.

    Args:
        model: The model.

    Returns:
        Notices about the encoding of each input and output that is an integer now, and about those
        that stay floats.
    """
    float_type = onnx.TensorProto.FLOAT
    changed: dict[str, PortEncoding] = {}
    values = [*get_required_inputs(model), *model.graph.output]
    floats = [each.name for each in values if each.type.tensor_type.elem_type == float_type]
    for value in get_required_inputs(model):
        encoding = _Ports(model).take_input(value) if value.name in floats else None
        if encoding is not None:
            changed[value.name] = encoding
    for value in model.graph.output:
        encoding = _Ports(model).take_output(value) if value.name in floats else None
        if encoding is not None:
            changed[value.name] = encoding
    if changed:
        # The types of tensors on the way have changed.
        del model.graph.value_info[:]
    kept = [name for name in floats if name not in changed]
    return list(_describe(changed, kept))


def _describe(changed: Mapping[str, PortEncoding], kept: Sequence[str]) -> Iterator[dict[str, str]]:
    for name, encoding in list(changed.items())[:_MAX_NAMES_SHOWN]:
        message = (
            f"{quote_name(name)} is {encoding.dtype}, as --quantize_io requests: its numbers are "
            f"(integer - {encoding.zero_point}) * {encoding.scale:.9g}."
        )
        yield build_notice("INFO", "MODEL", message)
    if kept:
        names = ", ".join(map(quote_name, kept[:_MAX_NAMES_SHOWN]))
        message = f"{names} stays float32 despite --quantize_io: the model does not quantize it."
        yield build_notice("INFO", "MODEL", message)


class _Ports:
    """The nodes at the inputs and outputs of a model."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self._graph = model.graph
        self._constants = {each.name: each for each in model.graph.initializer}
        self._outputs = {value.name for value in model.graph.output}
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def users_after(self, name: str) -> tuple[str, list[onnx.NodeProto]]:
        """Return the nodes that use an input, however it is passed on, and what they use."""
        users = self._users.get(name, [])
        while len(users) == 1 and users[0].op_type in _PASSING and name not in self._outputs:
            name = users[0].output[0]
            users = self._users.get(name, [])
        return name, [] if name in self._outputs else users

    def maker_before(self, name: str) -> tuple[str, onnx.NodeProto | None]:
        """Return the node that computes an output, however it is passed on, and its result."""
        maker = self._makers.get(name)
        while maker is not None and maker.op_type in _PASSING:
            name = maker.input[0]
            if len(self._users[name]) > 1 or name in self._outputs:
                return name, None
            maker = self._makers.get(name)
        return name, maker

    def common_encoding(self, nodes: Sequence[onnx.NodeProto]) -> PortEncoding | None:
        """Return the encoding of nodes; None unless all have the same."""
        found = {PortEncoding.of(node, self._constants) for node in nodes}
        return found.pop() if len(found) == 1 else None

    def take_input(self, value: onnx.ValueInfoProto) -> PortEncoding | None:
        """Make an input an integer; return its encoding, None if it is not quantized."""
        used, nodes = self.users_after(value.name)
        if not nodes or any(node.op_type != "QuantizeLinear" for node in nodes):
            return None
        encoding = self.common_encoding(nodes)
        if encoding is None or any(node.output[0] in self._outputs for node in nodes):
            return None
        if used != value.name:
            self._insert_before(value.name, nodes[0])
        else:
            for node in nodes:
                for user in self._users.get(node.output[0], ()):
                    _replace_input(user, node.output[0], used)
                self._graph.node.remove(node)
        value.type.tensor_type.elem_type = _ELEM_TYPES[encoding.dtype]
        return encoding

    def _insert_before(self, name: str, quantizer: onnx.NodeProto) -> None:
        """Dequantize an input for the nodes that pass it on: runtimes take these as one unit."""
        taken = collect_names(self._graph)
        floats = unique_name(f"{name}_floats", taken)
        for user in self._users[name]:
            _replace_input(user, name, floats)
        self._graph.node.insert(0, _convert("DequantizeLinear", quantizer, name, floats, taken))

    def _append_after(self, name: str, dequantizer: onnx.NodeProto) -> None:
        """Quantize an output that nodes have passed on."""
        maker = self._makers[name]
        taken = collect_names(self._graph)
        floats = unique_name(f"{name}_floats", taken)
        maker.output[list(maker.output).index(name)] = floats
        for user in self._users.get(name, ()):
            _replace_input(user, name, floats)
        self._graph.node.append(_convert("QuantizeLinear", dequantizer, floats, name, taken))

    def take_output(self, value: onnx.ValueInfoProto) -> PortEncoding | None:
        """Make an output an integer; return its encoding, None if it is not quantized."""
        name, node = self.maker_before(value.name)
        if node is None or node.op_type != "DequantizeLinear":
            return None
        encoding, integers = self.common_encoding([node]), node.input[0]
        is_computed = integers in self._makers and integers not in self._outputs
        if encoding is None or not is_computed:
            return None
        if name != value.name:
            self._append_after(value.name, node)
        else:
            users = self._users.get(name, [])
            if users:
                # Other nodes go on with the floats.
                floats = unique_name(f"{name}_floats", collect_names(self._graph))
                node.output[0] = floats
                for user in users:
                    _replace_input(user, name, floats)
            else:
                self._graph.node.remove(node)
            rename_tensors(self._graph, {integers: name})
        value.type.tensor_type.elem_type = _ELEM_TYPES[encoding.dtype]
        return encoding


_ELEM_TYPES = {dtype: elem_type for elem_type, dtype in DTYPES.items()}


def _convert(
    op: str, like: onnx.NodeProto, source: str, target: str, taken: set[str]
) -> onnx.NodeProto:
    """Return a Q or DQ node with the scale and zero point of another, and a name of its own."""
    # Quantizers name their nodes after tensors too.
    name = unique_name(f"{target}_{op}", taken)
    return helper.make_node(op, [source, *like.input[1:]], [target], name=name, domain=like.domain)


def _replace_input(node: onnx.NodeProto, old: str, new: str) -> None:
    for place, name in enumerate(node.input):
        if name == old:
            node.input[place] = new
