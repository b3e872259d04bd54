"""Quantizes a model to 8 bits but for some tensors, which keep 16."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.execution_providers.qnn.mixed_precision_overrides_utils import (
    MixedPrecisionTensorQuantOverridesFixer,
)
from onnxruntime.quantization.tensor_quant_overrides import TensorQuantOverridesHelper

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.graph_index import GraphIndex, Use
from qai_hub.local.engine.onnx.separate import separate_constant

# Operators whose constants have the type of the other inputs. Those of others are weights, biases
# and parameters, which have types of their own.
_SAME_TYPE_OPS = frozenset({"Add", "Concat", "Div", "Gather", "Max", "Min", "Mul", "PRelu", "Sub"})


def iter_float_values(model: onnx.ModelProto) -> Iterable[onnx.ValueInfoProto]:
    """Yield the inputs, outputs and computed tensors of floats, as far as types are known.

    Args:
        model: The model.
    """
    inferred = onnx.shape_inference.infer_shapes(model).graph
    for value in (*inferred.input, *inferred.value_info, *inferred.output):
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT:
            yield value


def build_overrides(model: onnx.ModelProto, tensors: Collection[str]) -> dict[str, Any]:
    """Return the quantizer's overrides that keep tensors at 16 bits while others have 8.

    The nodes that compute or use such a tensor have 16-bit inputs and outputs. Where those are
    tensors of 8 bits elsewhere, the quantizer converts them; constants get copies.

    Args:
        model: The float model, in which each node has a name. Copies of constants are added.
        tensors: The tensors.

    Raises:
        JobFailure: The quantizer cannot mix types that way.
    """
    wide = [*tensors, *_separate_constants(GraphIndex(model), set(tensors))]
    overrides = TensorQuantOverridesHelper(
        {name: [{"quant_type": QuantType.QUInt16}] for name in wide}
    )
    try:
        fixer = MixedPrecisionTensorQuantOverridesFixer.create_from_model(
            overrides, model, QuantType.QUInt8
        )
        fixer.apply(QuantType.QUInt8, default_activation_symmetric=False)
    except ValueError as error:
        reason = f"ONNX Runtime cannot keep these tensors at 16 bits: {error}"
        raise JobFailure(FailureType.UNSUPPORTED, reason[:1500]) from error
    found: dict[str, Any] = overrides.get_dict()
    return found


def _separate_constants(graph: GraphIndex, tensors: AbstractSet[str]) -> list[str]:
    """Give nodes that compute or use tensors constants of their own, where those are like inputs.

    Args:
        graph: The graph.
        tensors: The tensors.

    Returns:
        The names of these constants.
    """

    def is_wide(use: Use) -> bool:
        node = use.node
        return node.op_type in _SAME_TYPE_OPS and not tensors.isdisjoint(
            (*node.input, *node.output)
        )

    for name, tensor in list(graph.constants.items()):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            separate_constant(graph, name, is_wide)
    graph.refresh()
    return [
        name
        for name, tensor in graph.constants.items()
        if tensor.data_type == onnx.TensorProto.FLOAT
        and any(map(is_wide, graph.uses.get(name, ())))
    ]
