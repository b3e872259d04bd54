"""The layers and segments of a model that a compiler has divided among compute units."""

from collections.abc import Sequence
from typing import Any

from qai_hub.local.execution.layers import TracedNode, layer_detail
from qai_hub.local.execution.qnn.provenance import Part
from qai_hub.local.execution.qnn.provider import PROVIDER
from qai_hub.local.execution.sessions import PROVIDER as CPU_PROVIDER


def layers_and_segments(
    parts: Sequence[Part], traced: Sequence[TracedNode]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the layers and the segments of a profile.

    What the HTP runs is traced as a whole: its layers have no times of their own.

    Args:
        parts: The parts of the model.
        traced: What ONNX Runtime has traced.

    Returns:
        The JSON of `LayerDetail` and of `SegmentDetail` messages.
    """
    times = {node.name: node.time for node in traced}
    # The provider names what it loads anew, in the same order.
    whole = iter([node.time for node in traced if node.provider == PROVIDER])
    layers: list[dict[str, Any]] = []
    segments = []
    for number, part in enumerate(parts):
        on_htp = bool(part.internal)
        unit = "COMPUTE_UNIT_NPU" if on_htp else "COMPUTE_UNIT_CPU"
        provider = PROVIDER if on_htp else CPU_PROVIDER
        own = {} if on_htp else {name: times[name] for name, _ in part.nodes if name in times}
        total = next(whole, None) if on_htp else sum(own.values())
        segment = {
            "id": str(number),
            "compute_unit": unit,
            "delegate_name": provider,
            "delegate_extra_info": "HTP simulation" if on_htp else "",
        }
        segments.append(segment if total is None else segment | {"execution_time": total})
        for name, op in part.nodes:
            layer = layer_detail(
                len(layers),
                name,
                op,
                unit=unit,
                provider=provider,
                segment=str(number),
                time=own.get(name),
            )
            layers.append(layer)
    return layers, segments
