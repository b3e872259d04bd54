"""The layers and segments of a model that a compiler has divided among compute units."""

from collections.abc import Sequence
from typing import Any

from qai_hub.local.execution.layers import TracedNode, layer_detail
from qai_hub.local.execution.qnn.provenance import Part
from qai_hub.local.execution.qnn.provider import PROVIDER

_NPU = "COMPUTE_UNIT_NPU"
_CPU = "COMPUTE_UNIT_CPU"


def layers_and_segments(
    parts: Sequence[Part], traced: Sequence[TracedNode]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the layers and the segments of a profile, in the order in which they ran.

    What the HTP runs is traced as a whole: its layers have no times of their own.

    Args:
        parts: The parts of the model, those of the HTP in the order in which they run.
        traced: What ONNX Runtime has traced.

    Returns:
        The JSON of `LayerDetail` and of `SegmentDetail` messages.
    """
    # The provider names what it loads anew: only the order tells which part is which.
    on_htp = iter([part.nodes for part in parts if part.internal])
    layers: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    for node in traced:
        is_part = node.provider == PROVIDER
        if is_part or not segments or segments[-1]["compute_unit"] == _NPU:
            segments.append(_segment(len(segments), node, is_part))
        else:
            segments[-1]["execution_time"] += node.time
        for name, op in next(on_htp) if is_part else ((node.name, node.op),):
            layer = layer_detail(
                len(layers),
                name,
                op,
                unit=_NPU if is_part else _CPU,
                provider=node.provider,
                segment=segments[-1]["id"],
                time=None if is_part else node.time,
            )
            layers.append(layer)
    return layers, segments


def _segment(number: int, first: TracedNode, is_part: bool) -> dict[str, Any]:
    return {
        "id": str(number),
        "compute_unit": _NPU if is_part else _CPU,
        "delegate_name": first.provider,
        "delegate_extra_info": "HTP simulation" if is_part else "",
        "execution_time": first.time,
    }
