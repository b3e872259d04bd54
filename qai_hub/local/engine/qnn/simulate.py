"""Runs QNN binaries in QNN's simulation of an HTP, with profiles by layer and segment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from qai_hub.local.engine.onnx.model_files import ModelFile
from qai_hub.local.engine.onnx.session import Tensor
from qai_hub.local.engine.onnx.signature import Port
from qai_hub.local.engine.option_table import SIMULATED_ITERATIONS
from qai_hub.local.engine.protocol import (
    InputModel,
    Soc,
    build_notice,
)
from qai_hub.local.engine.qnn.contexts import check_float_support, compile_context, unpack_source
from qai_hub.local.engine.qnn.provenance import Graph, GraphPart, require_provenance
from qai_hub.local.engine.qnn.provider import (
    PROVIDER,
    QnnSession,
    QnnSettings,
    check_soc,
    htp_options,
    sdk_version,
)
from qai_hub.local.engine.qnn.targets import qnn_tool_versions
from qai_hub.local.engine.qnn.wrappers import open_graph, unwrap
from qai_hub.local.engine.runners.base import TimeBreakdown, TimedInferences
from qai_hub.local.engine.runners.onnx import (
    TracedNode,
    build_layer_detail,
    read_trace,
)
from qai_hub.local.enums import ComputeUnit

_NPU = ComputeUnit.NPU
_CPU = ComputeUnit.CPU


def build_layers_and_segments(
    parts: Sequence[GraphPart], traced: Sequence[TracedNode]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the layers and the segments of a profile, in the order in which they ran.

    A part on the HTP is traced as a whole, so its layers have no individual times.

    Args:
        parts: The parts of the model, those of the HTP in the order in which they run.
        traced: The nodes in ONNX Runtime's trace.

    Returns:
        The JSON of `LayerDetail` and of `SegmentDetail` messages.
    """
    # The provider renames the parts that it loads, so they are matched by their order.
    on_htp = iter([part.nodes for part in parts if part.internal_name])
    layers: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    for node in traced:
        is_part = node.provider == PROVIDER
        if is_part or not segments or segments[-1]["compute_unit"] == _NPU:
            segments.append(_build_segment(len(segments), node, is_part))
        else:
            segments[-1]["execution_time"] += node.time
        for name, op in next(on_htp) if is_part else ((node.name, node.op),):
            layer = build_layer_detail(
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


def _build_segment(number: int, first: TracedNode, is_part: bool) -> dict[str, Any]:
    return {
        "id": str(number),
        "compute_unit": _NPU if is_part else _CPU,
        "delegate_name": first.provider,
        "delegate_extra_info": "HTP simulation" if is_part else "",
        "execution_time": first.time,
    }


class SimulatedModel:
    """A `RunnableModel` for a graph of a QNN binary, in QNN's simulation of an HTP.

    It takes seconds where a device takes milliseconds, and its times do not predict those of a
    device, so few inferences are timed.

    Args:
        path: The .onnx file that wraps the binary.
        graph: The graph.
        soc: The chip that is simulated.
        notices: Notices for the user.
    """

    default_iterations = SIMULATED_ITERATIONS
    is_simulated = True

    def __init__(
        self, path: Path, graph: Graph, soc: Soc, notices: Sequence[dict[str, str]] = ()
    ) -> None:
        self._path = path
        self._graph = graph
        self._options = htp_options(soc)
        units = {"npu" if part.internal_name else "cpu" for part in graph.parts}
        self.compute_units = sorted(units, reverse=True)
        self.inputs = [Port(spec.name, spec.dtype, spec.shape) for spec in graph.inputs]
        self.encodings = graph.encodings
        self.notices = list(notices)
        self.measured_on = (
            f"Measured in HTP simulation, of the Hexagon v{soc.hexagon} of {soc.name}, on the CPU "
            "of this hub's host: the times are those of the simulation, not of a device."
        )
        self.conditions = {
            "HTP simulation": f"Hexagon v{soc.hexagon} of {soc.name}, SoC model {soc.soc_model}",
            "execution provider": PROVIDER,
            "compute units of layers": "as the compiler assigned them",
            "times of layers": "none on the HTP, which runs a segment as a whole",
        }

    @property
    def tools(self) -> list[dict[str, str]]:
        """The tools that run it."""
        return qnn_tool_versions()

    def load(self, trace_prefix: Path | None = None) -> QnnSession:
        """Load the model; record the times per node of each run if there is a prefix for files."""
        return QnnSession(self._path, self._options, trace_prefix=trace_prefix)

    def measure_breakdown(
        self,
        loaded: QnnSession,
        inputs: Mapping[str, Tensor],
        label: str,
        timed: TimedInferences,
        work: Path,
    ) -> TimeBreakdown:
        """Return the compiler's layers, and the times of segments in the inferences so far."""
        del inputs, label, work
        trace = loaded.end_trace()
        try:
            traced = read_trace(trace, warm_ups=timed.warm_ups)
        except ValueError as error:
            return TimeBreakdown.without_layers(error)
        layers, segments = build_layers_and_segments(self._graph.parts, traced)
        return TimeBreakdown(layers=layers, segments=segments, trace=trace)


def open_binary(
    model: InputModel, soc: Soc | None, graphs: Sequence[str], work: Path
) -> SimulatedModel:
    """Open a context binary.

    Args:
        model: The context binary.
        soc: The chip of the job's device.
        graphs: The names of graphs in the job's options.
        work: Folder for generated files.

    Returns:
        The graph that the job is for, ready to simulate.

    Raises:
        JobFailure: It cannot be simulated for that device.
    """
    opened = open_graph(model, soc, graphs, work / "context")
    return SimulatedModel(opened.wrapper, opened.graph, opened.soc, opened.notices)


def open_dlc(
    model: InputModel, soc: Soc | None, graphs: Sequence[str], work: Path
) -> SimulatedModel:
    """Open a DLC by compiling the model that it was made from for the job's device.

    Args:
        model: The DLC.
        soc: The chip of the job's device.
        graphs: The names of graphs in the job's options.
        work: Folder for generated files.

    Returns:
        Its graph, ready to simulate.

    Raises:
        JobFailure: It cannot be simulated for that device.
    """
    chip, provenance = check_soc(soc, "a DLC"), require_provenance(model.provenance, "DLC")
    provenance.check_read_by(sdk_version())
    graph = provenance.select_graph(graphs)
    source = unpack_source(model.source, work / "source")
    check_float_support(source, chip)
    options = htp_options(chip) | QnnSettings().provider_options(chip)
    context = compile_context(source, work / "context", options)
    message = (
        f"A device compiles a DLC when it loads it: this hub compiled it for {chip.name} before "
        "the measurement."
    )
    notices = [build_notice("INFO", "MODEL", message)]
    return SimulatedModel(context.wrapper, replace(graph, parts=context.parts), chip, notices)


def open_wrapper(model: ModelFile, soc: Soc | None) -> SimulatedModel:
    """Open a model that wraps a context binary.

    Args:
        model: The model.
        soc: The chip of the job's device.

    Returns:
        Its graph, ready to simulate.

    Raises:
        JobFailure: It cannot be simulated for that device.
    """
    chip = check_soc(soc, "a context binary")
    provenance = unwrap(model.proto, model.path, is_unpacked=model.is_unpacked).provenance
    provenance.check_runs_on(chip)
    provenance.check_read_by(sdk_version())
    return SimulatedModel(model.path, provenance.select_graph(), chip)
