"""Shapes and dtypes of models' inputs and outputs, to and from the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.tensors import TensorSpec, dtype_from_wire, dtype_to_wire, parse_input_specs
from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

    from qai_hub.tensors import InputSpecs, IOSpec


def input_specs(types: api.NamedTensorTypeList | Unset) -> InputSpecs:
    """Shape and dtype for each input, in the model's order; empty if there are none."""
    given = known(types)
    tensors = given.types if given else []
    return {
        tensor.name: (tuple(kind.shape), dtype_from_wire(kind.dtype.value))
        for tensor in tensors
        if (kind := known(tensor.tensor_type))
    }


def io_spec(types: api.NamedTensorTypeList) -> IOSpec:
    """The tensors of each graph, in the model's order."""
    graphs: IOSpec = {}
    for tensor in types.types:
        kind = known(tensor.tensor_type)
        if kind is None:
            continue
        spec = TensorSpec(
            tensor.name,
            dtype_from_wire(kind.dtype.value),
            tuple(kind.shape),
            known(kind.scale),
            known(kind.zero_point),
        )
        graphs.setdefault(known(tensor.graph_name), []).append(spec)
    return graphs


def specs_to_api(specs: InputSpecs) -> api.NamedTensorTypeListSubmit:
    """What a submission says of the inputs.

    Raises:
        UserError: If the specs are not shapes, or shapes with dtypes.
    """
    from qai_hub_api.models import (
        NamedTensorTypeListSubmit,
        NamedTensorTypeSubmit,
        TensorDtype,
        TensorTypeSubmit,
    )

    return NamedTensorTypeListSubmit(
        types=[
            NamedTensorTypeSubmit(
                name=name,
                tensor_type=TensorTypeSubmit(
                    shape=list(shape), dtype=TensorDtype(dtype_to_wire(dtype))
                ),
            )
            for name, (shape, dtype) in parse_input_specs(specs).items()
        ]
    )
