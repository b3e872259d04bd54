"""Applies a compile job's requests for inputs and outputs: names, element types, layout."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import CHANNEL_AXES, PortChange, apply_port_changes
from qai_hub.local.engine.onnx.signature import (
    DTYPES,
    Port,
    check_name,
    format_ports,
    get_inputs,
)
from qai_hub.local.engine.option_table import (
    CHANNEL_LAST_INPUT,
    CHANNEL_LAST_OUTPUT,
    OUTPUT_NAMES,
    TRUNCATE_64BIT_IO,
)
from qai_hub.local.engine.protocol import (
    TensorSpec,
    build_notice,
    quote_name,
)

_TRUNCATED_DTYPES = {"int64": "int32"}
_ELEM_TYPES = {dtype: elem_type for elem_type, dtype in DTYPES.items()}


def apply_port_options(
    model: onnx.ModelProto,
    specs: Sequence[TensorSpec],
    outputs: Sequence[Port],
    values: Mapping[str, Any],
) -> tuple[bool, list[dict[str, str]]]:
    """Give a model the inputs and outputs that a job requests, in place.

    Args:
        model: The model, with its inputs fixed to the shapes of the specs.
        specs: The specs in the order of the model's inputs; may be empty.
        outputs: The outputs as the model declared them, before its shapes were fixed.
        values: The values of the job's options, by flag.

    Returns:
        Whether anything changed, and a notice for each name and type that specs changed.

    Raises:
        JobFailure: The options do not match the model.
    """
    before = get_inputs(model)
    inputs = before
    if specs:
        pairs = zip(before, specs, strict=True)
        inputs = [replace(port, name=spec.name, dtype=spec.dtype) for port, spec in pairs]
    messages = [
        text
        for old, new in zip(before, inputs, strict=True)
        for text in _describe_changes(old, new)
    ]
    outputs = _rename_outputs(outputs, values.get(OUTPUT_NAMES))
    changed = apply_port_changes(
        model,
        _build_changes(inputs, values, CHANNEL_LAST_INPUT),
        _build_changes(outputs, values, CHANNEL_LAST_OUTPUT),
    )
    return changed, [build_notice("INFO", "USER", text) for text in messages]


def _describe_changes(before: Port, after: Port) -> list[str]:
    """Describe what specs change about an input, so that users notice mistakes."""
    texts = []
    if after.name != before.name:
        texts.append(
            f"The input {quote_name(before.name)} was renamed to {quote_name(after.name)}, as "
            "input_specs request."
        )
    if after.dtype != before.dtype:
        texts.append(
            f"The input {quote_name(after.name)} has the type {after.dtype}, as input_specs "
            f"request, and is cast to the model's {before.dtype} without scaling."
        )
    return texts


def _rename_outputs(outputs: Sequence[Port], names: Sequence[str] | None) -> list[Port]:
    if names is None:
        return list(outputs)
    if len(names) != len(outputs):
        raise _invalid_argument(
            f"{OUTPUT_NAMES} needs a name for each output, in order: it has {len(names)}, and "
            f"the outputs of the model are {format_ports(outputs)}."
        )
    for name in names:
        check_name(name, "output", FailureType.INVALID_ARGUMENT)
    return [replace(port, name=name) for port, name in zip(outputs, names, strict=True)]


def _build_changes(ports: Sequence[Port], values: Mapping[str, Any], flag: str) -> list[PortChange]:
    """Return the requested form of ports; the option `flag` lists those with channels last."""
    channel_last = values.get(flag, ())
    unknown = [name for name in channel_last if name not in {port.name for port in ports}]
    if unknown:
        role = "inputs" if flag == CHANNEL_LAST_INPUT else "outputs"
        raise _invalid_argument(
            f"{flag} names {', '.join(map(quote_name, unknown[:20]))}, but the target model's "
            f"{role} are {format_ports(ports)}."
        )
    changes = []
    for port in ports:
        dtype = port.dtype
        if values.get(TRUNCATE_64BIT_IO):
            dtype = _TRUNCATED_DTYPES.get(port.dtype, port.dtype)
        rank = _get_channel_last_rank(port, flag) if port.name in channel_last else 0
        change = PortChange(name=port.name, elem_type=_ELEM_TYPES[dtype], channel_last=rank)
        changes.append(change)
    return changes


def _get_channel_last_rank(port: Port, flag: str) -> int:
    rank = len(port.shape or ())
    if rank not in CHANNEL_AXES:
        raise _invalid_argument(
            f"{flag} does not apply to {port}: only tensors of "
            f"{', '.join(map(str, CHANNEL_AXES))} dimensions have channels (CHW, NCHW, NCDHW)."
        )
    return rank


def _invalid_argument(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_ARGUMENT, reason)
