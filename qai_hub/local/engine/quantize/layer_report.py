"""Reports which layers of a quantized model lose accuracy."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import CallError, call_isolated
from qai_hub.local.engine.protocol import NoticeSeverity, Soc, build_notice, quote_name
from qai_hub.local.engine.quantize.budget import TimeBudget
from qai_hub.local.engine.quantize.calibration import CalibrationData
from qai_hub.local.engine.quantize.layers import (
    BAD_PSNR,
    MAX_LAYERS,
    Layer,
    Ratio,
    compute_losses,
    find_first_bad_layer,
    find_layers,
    get_psnr,
    get_simulated_psnr,
)
from qai_hub.local.engine.quantize.proposal import Proposal
from qai_hub.local.engine.quantize.psnr import LOW_PSNR

# Named, not imported: QNN's modules import those of this package.
_SIMULATE = "qai_hub.local.engine.qnn.layer_simulation:simulate_layers"
_MEASURE = "qai_hub.local.engine.quantize.layers:measure_layers"
# Operators that compute nothing: the tensor is what the one before them has computed.
_PASSING = {"Identity", "Dropout"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """How close the layers of a quantized model are to the float model's.

    Attributes:
        layers: The layers, in the order of computation.
        samples: Number of samples that they were compared on.
        first_bad_layer: The first that loses far more accuracy than those before it; None if there
            is none.
        simulated_on: Chip that was simulated; empty if none was.
        reason: Why layers or the simulation are missing; empty if they are not.
        proposal: Tensors to keep at 16 bits; None if that was not tried, or gains little.
        notices: Notices for the user.
    """

    layers: Sequence[Layer] = ()
    samples: int = 0
    first_bad_layer: Layer | None = None
    simulated_on: str = ""
    reason: str = ""
    proposal: Proposal | None = None
    notices: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of a `LayerAccuracyReport`."""
        bad = self.first_bad_layer
        optional = {
            "first_bad_layer": "" if bad is None else bad.tensor,
            "simulated_on": self.simulated_on,
            "reason": self.reason,
        }
        return {
            "layers": [layer.to_json() for layer in self.layers],
            "samples": self.samples,
            **{key: text for key, text in optional.items() if text},
            **({} if self.proposal is None else {"mixed_precision": self.proposal.to_json()}),
        }


def report_layers(
    source: Path,
    original: Path,
    quantized: Path,
    data: CalibrationData,
    psnr: Mapping[str, float],
    soc: Soc | None,
    work: Path,
    budget: TimeBudget,
) -> LayerReport:
    """Compare the layers of a quantized model with the float model's, on the CPU and in simulation.

    Both run in processes of their own, so that a crash there is not the job's.

    Args:
        source: The float model before it was prepared, whose nodes the report names.
        original: The float model, as it was quantized, with its weights in the file.
        quantized: The quantized model, likewise.
        data: The samples to compare them on.
        psnr: PSNR of the quantized model's outputs.
        soc: The chip to simulate; None to simulate none.
        work: Folder for generated files, which is created.
        budget: Time that each of the two may take.

    Returns:
        The report.
    """
    work.mkdir()
    layers = find_layers(onnx.load(original), onnx.load(quantized))
    layers = _name_nodes(layers, onnx.load(source, load_external_data=False))
    if len(layers) > MAX_LAYERS:
        reason = (
            f"The model has {len(layers)} computed tensors: this hub measures up to {MAX_LAYERS}."
        )
        return LayerReport(reason=reason, notices=[build_notice("INFO", "MODEL", reason)])
    models = {"original": original, "quantized": quantized}
    measured, count, problem = _measure(models, layers, data, work, budget)
    problems = [problem]
    simulated_on = ""
    if soc is not None and measured:
        measured, problem = _simulate(models, measured, data, soc, work, budget)
        problems.append(problem)
        if any(layer.simulated_psnr is not None for layer in measured):
            simulated_on = soc.name
    bad = find_first_bad_layer(measured) or find_first_bad_layer(measured, get_simulated_psnr)
    return LayerReport(
        layers=measured,
        samples=count,
        first_bad_layer=bad,
        simulated_on=simulated_on,
        reason=" ".join(each.text for each in problems if each.text),
        notices=[
            *_build_notices(measured, bad, psnr),
            *(each.to_notice() for each in problems if each.severity is not None),
        ],
    )


class Problem(NamedTuple):
    """Why a part of the analysis is missing.

    Attributes:
        text: The reason; empty if all is there.
        severity: How serious it is; None if it is nothing to tell of in a notice.
    """

    text: str = ""
    severity: NoticeSeverity | None = None

    def to_notice(self) -> dict[str, str]:
        """Return the notice for the job's user."""
        return build_notice(self.severity or "INFO", "MODEL", self.text)


def _name_nodes(layers: Sequence[Layer], source: onnx.ModelProto) -> list[Layer]:
    """Return the layers with the nodes of the user's model, which preparing it has replaced."""
    nodes = {name: node for node in source.graph.node for name in node.output}
    return [_name_node(layer, nodes) for layer in layers]


def _name_node(layer: Layer, nodes: Mapping[str, onnx.NodeProto]) -> Layer:
    node = nodes.get(layer.tensor)
    while node is not None and node.op_type in _PASSING and node.input[0] in nodes:
        node = nodes[node.input[0]]
    if node is None or node.op_type in _PASSING:
        return layer
    return replace(layer, operator=node.op_type, node=node.name or layer.node)


def _measure(
    models: Mapping[str, Path],
    layers: Sequence[Layer],
    data: CalibrationData,
    work: Path,
    budget: TimeBudget,
) -> tuple[list[Layer], int, Problem]:
    """Return the layers of floats with their PSNR, the number of samples, and what is missing."""
    seconds = budget.seconds
    arguments = {
        **models,
        "layers": [asdict(layer) for layer in layers],
        "data": data.to_json(),
        "seconds": seconds,
    }
    problem = Problem()
    try:
        found = call_isolated(_MEASURE, arguments, work / "layers", budget.limit)
    except JobFailure as failure:
        return [], 0, Problem(f"The layers were not measured: {failure.reason}", "WARNING")
    except CallError as error:
        found = error.progress or {"psnr": {}, "done": 0, "samples": 0}
        text = (
            f"The measurement of layers {error.reason}: {found['done']} of {len(layers)} are done."
        )
        problem = Problem(text, "WARNING")
    if not problem.text and found["done"] < len(layers):
        text = (
            f"{found['done']} of {len(layers)} tensors were measured, in {seconds:.0f} s: no more "
            "time was spent on the others."
        )
        problem = Problem(text, "INFO")
    psnr = found["psnr"]
    measured = [replace(each, psnr=psnr[each.tensor]) for each in layers if each.tensor in psnr]
    return measured, found["samples"], problem


def _simulate(
    models: Mapping[str, Path],
    layers: Sequence[Layer],
    data: CalibrationData,
    soc: Soc,
    work: Path,
    budget: TimeBudget,
) -> tuple[list[Layer], Problem]:
    """Return the layers with their simulated PSNR, and why some have none."""
    with data.open() as samples:
        sample = next(iter(samples))
    arrays = {f"a{index}": tensor for index, tensor in enumerate(sample.values())}
    path = work / "sample.npz"
    np.savez(path, allow_pickle=False, **arrays)
    seconds = budget.seconds
    arguments = {
        **models,
        "layers": [asdict(layer) for layer in layers],
        "inputs": list(sample),
        "sample": path,
        "soc": soc.to_json(),
        "seconds": seconds,
    }
    problem = Problem()
    try:
        found = call_isolated(_SIMULATE, arguments, work / "simulation", budget.limit)["psnr"]
    except JobFailure as failure:
        # That a hub does not simulate is no news of the model.
        is_missing = failure.failure_type is FailureType.UNSUPPORTED
        text = f"Layers were not simulated: {failure.reason}"
        return list(layers), Problem(text, None if is_missing else "WARNING")
    except CallError as error:
        found = (error.progress or {}).get("psnr", {})
        problem = Problem(f"The simulation of layers {error.reason}.", "WARNING")
    if not problem.text and len(found) < len(layers):
        text = (
            f"{len(found)} of {len(layers)} tensors were simulated, in {seconds:.0f} s: no "
            "more time was spent on the others."
        )
        problem = Problem(text, "INFO")
    return [replace(each, simulated_psnr=found.get(each.tensor)) for each in layers], problem


def _build_notices(
    layers: Sequence[Layer], bad: Layer | None, psnr: Mapping[str, float]
) -> list[dict[str, str]]:
    """Tell where accuracy is lost, if an output is far from the float model's."""
    simulated = {layer.tensor: get_simulated_psnr(layer) for layer in layers}
    far = {name: ratio for name, ratio in psnr.items() if ratio < BAD_PSNR}
    far_simulated = {
        name: simulated[name]
        for name in psnr
        if name not in far and simulated.get(name, BAD_PSNR) < BAD_PSNR
    }
    ratios = far or far_simulated
    if not ratios:
        return []
    ratio = get_psnr if far else get_simulated_psnr
    where = "" if far else " in HTP simulation"
    name = min(ratios, key=lambda each: ratios[each])
    severity: NoticeSeverity = "WARNING" if ratios[name] < LOW_PSNR else "INFO"
    worst = bad or _find_worst_layer(layers, ratio)
    if worst is None:
        return []
    losses = compute_losses(layers, ratio)
    loss = losses.get(worst.tensor, 0.0)
    lost = f", {loss:.1f} dB less than its inputs" if loss < math.inf else ""
    what = "The first layer that loses far more accuracy than those before it is"
    if bad is None:
        what = "No single layer loses far more accuracy than those before it; the most loses"
    message = (
        f"The output {quote_name(name)} has a PSNR of {ratios[name]:.1f} dB{where}. {what} "
        f"{_describe(worst)}, with {ratio(worst):.1f} dB{lost}. "
        "QuantizeJob.get_layer_accuracy() lists all layers."
    )
    return [build_notice(severity, "MODEL", message)]


def _find_worst_layer(layers: Sequence[Layer], ratio: Ratio) -> Layer | None:
    """Return the layer that loses most among those that are inaccurate."""
    losses = compute_losses(layers, ratio)
    inaccurate = [layer for layer in layers if ratio(layer) < BAD_PSNR]
    return max(inaccurate, key=lambda layer: losses[layer.tensor], default=None)


def _describe(layer: Layer) -> str:
    if not layer.operator:
        return f"the input {quote_name(layer.tensor)}"
    node = f" of the node {quote_name(layer.node)}" if layer.node else ""
    return f"{quote_name(layer.tensor)} ({layer.operator}{node})"
