"""Prepares a float model for the quantizer: folds, fuses and rewrites it."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.onnx.decompose import decompose
from qai_hub.local.engine.onnx.edit import (
    OPSET_ALL_TYPES,
    OPSET_PER_CHANNEL,
    convert_opset,
    name_nodes,
)
from qai_hub.local.engine.onnx.graph_index import GraphIndex, attributes_of
from qai_hub.local.engine.onnx.masks import (
    clamp_masks,
    find_masks,
    iter_softmaxes,
    remove_nan_guards,
)
from qai_hub.local.engine.onnx.prepare import (
    clean_up_model,
    iter_nodes,
    optimise,
)
from qai_hub.local.engine.protocol import build_notice
from qai_hub.local.engine.quantize.calibration import CalibrationSamples
from qai_hub.local.engine.quantize.formulas import (
    fuse_formulas,
    has_formulas,
)
from qai_hub.local.engine.quantize.joined_slices import slice_before_joining
from qai_hub.local.engine.quantize.measure import Range, ScoreRange, iter_values, merge_scores
from qai_hub.local.engine.quantize.overrides import (
    Overrides,
    build_overrides,
    find_pads,
    widen_for_pads,
)
from qai_hub.local.engine.quantize.rewrites import (
    merge_offsets,
    remove_constant_choices,
    replace_activations,
    replace_batch_norms,
    replace_constant_gathers,
    replace_differences,
    separate_constants,
)

logger = logging.getLogger(__name__)

_DECOMPOSED = {"Attention", "Celu", "RotaryEmbedding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """A float model that is ready to be quantized.

    Attributes:
        path: Its .onnx file.
        overrides: How single tensors are quantized.
        notices: Notices for the user about what was changed.
    """

    path: Path
    overrides: Overrides
    notices: list[dict[str, str]] = field(default_factory=list)


def prepare_model(
    source: Path,
    work: Path,
    samples: CalibrationSamples,
    quant_types: tuple[QuantType, QuantType],
    external_data_threshold: int,
    *,
    is_mixed: bool = False,
) -> PreparedModel:
    """Fold and rewrite a float model, in an operator set with the Q and DQ nodes that are needed.

    Args:
        source: The .onnx file.
        work: Folder for generated files.
        samples: The samples to calibrate on.
        quant_types: The types of weights and activations.
        external_data_threshold: Size in bytes from which weights are stored in a file beside the
            graph.
        is_mixed: Whether some activations keep 16 bits beside those with 8.

    Returns:
        The prepared model.

    Raises:
        JobFailure: The model cannot be prepared.
    """
    path = work / "prepared" / "model.onnx"
    path.parent.mkdir(parents=True)
    _fold(source, path, external_data_threshold)
    path = _decompose(path, external_data_threshold)
    narrow = quant_types == (QuantType.QInt8, QuantType.QUInt8)
    needed = OPSET_PER_CHANNEL if narrow and not is_mixed else OPSET_ALL_TYPES
    path = _raise_opset(path, needed, external_data_threshold)
    path.write_bytes(_rewrite(path, quant_types).SerializeToString())
    return _fit_ranges(path, samples, quant_types)


def _rewrite(path: Path, quant_types: tuple[QuantType, QuantType]) -> onnx.ModelProto:
    """Return a folded model in the operators that the HTP has in a quantized form."""
    model = onnx.load(path, load_external_data=False)
    graph = GraphIndex(model, path.parent)
    name_nodes(model.graph)
    remove_nan_guards(graph)
    remove_constant_choices(graph)
    replace_constant_gathers(graph)
    slice_before_joining(graph)
    graph.remove_dead_nodes()
    opset = get_opset(model)
    needed = fuse_formulas(graph, opset)
    if needed > opset:
        try:
            model = convert_opset(model, needed)
        except JobFailure as failure:
            logger.info("Not converted to opset %d: %s", needed, failure.reason)
        else:
            graph = GraphIndex(model, path.parent)
            fuse_formulas(graph, needed)
    merge_offsets(graph)
    replace_batch_norms(graph)
    is_wide = quant_types[1] != QuantType.QUInt8
    replace_activations(graph, is_wide=is_wide)
    if is_wide:
        replace_differences(graph)
    separate_constants(graph)
    flatten_biases(model)
    return model


def get_opset(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that a model uses."""
    return max(opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"})


def _fold(source: Path, path: Path, external_data_threshold: int) -> None:
    optimise(source, path, external_data_threshold)
    clean_up_model(path, external_data_threshold)


def _decompose(path: Path, external_data_threshold: int) -> Path:
    """Replace operators that QNN has no form of by their parts."""
    model = onnx.load(path, load_external_data=False)
    parts = decompose(model, _DECOMPOSED)
    if parts is model:
        return path
    path.write_bytes(decompose(parts, {"CastLike"}).SerializeToString())
    return _fold_again(path, "decomposed", external_data_threshold)


def _fold_again(path: Path, name: str, external_data_threshold: int) -> Path:
    """Fold a model into a folder of its own."""
    folded = path.parent.with_name(name) / "model.onnx"
    folded.parent.mkdir(exist_ok=True)
    _fold(path, folded, external_data_threshold)
    return folded


def _raise_opset(path: Path, needed: int, external_data_threshold: int) -> Path:
    """Convert a folded model to an operator set that has what it needs.

    In the set with all types, ONNX Runtime fuses GELU and LayerNormalization that are written in
    parts. A model that cannot be converted so far is converted as far as it must be.
    """
    model = onnx.load(path, load_external_data=False)
    if get_opset(model) < OPSET_ALL_TYPES and has_formulas(model):
        try:
            path.write_bytes(convert_opset(model, OPSET_ALL_TYPES).SerializeToString())
            return _fold_again(path, "fused", external_data_threshold)
        except JobFailure as failure:
            logger.info("Not converted to opset %d: %s", OPSET_ALL_TYPES, failure.reason)
    path.write_bytes(convert_opset(model, needed).SerializeToString())
    return path


def _fit_ranges(
    path: Path, samples: CalibrationSamples, quant_types: tuple[QuantType, QuantType]
) -> PreparedModel:
    """Adapt masks and numbers of paddings to the ranges of tensors on the calibration data."""
    model = onnx.load(path, load_external_data=False)
    graph = GraphIndex(model, path.parent)
    overrides = build_overrides(graph, quant_types[0])
    messages: list[str] = []
    masks, pads = find_masks(graph), find_pads(graph)
    axes = {
        node.input[0]: int(attributes_of(node).get("axis", -1)) for node in iter_softmaxes(graph)
    }
    scores = {name: ScoreRange() for name in axes} if masks else {}
    ranges = {name: Range() for name, _ in pads.values()}
    names = [*scores, *(name for name in ranges if name not in scores)]
    for values in iter_values(path, names, samples) if names else ():
        for name, score in scores.items():
            score.add(values[name], axes[name])
        for name, each in ranges.items():
            each.add(values[name])
    if masks:
        bits = 8 if quant_types[1] == QuantType.QUInt8 else 16
        messages = clamp_masks(graph, masks, merge_scores(scores.values()).compute_mask(bits))
    widen_for_pads(overrides, pads, ranges)
    graph.remove_unused_constants()
    # Without this mark, the quantizer warns that the model should be preprocessed, as it just was.
    add_pre_process_metadata(model)
    path.write_bytes(model.SerializeToString())
    notices = [build_notice("INFO", "MODEL", message) for message in messages]
    return PreparedModel(path=path, overrides=overrides, notices=notices)


def flatten_biases(model: onnx.ModelProto) -> None:
    """Remove the leading dimension of 1 that the bias of a Gemm may have, in place.

    The result is the same without it, but the quantizer would treat the row as a channel and raise.

    Args:
        model: The model, with or without its external tensors.
    """
    users: dict[str, set[str]] = {}
    for node in iter_nodes(model):
        for index, name in enumerate(node.input):
            users.setdefault(name, set()).add(f"{node.op_type} {index}")
    for tensor in model.graph.initializer:
        if users.get(tensor.name) == {"Gemm 2"} and len(tensor.dims) == 2 and tensor.dims[0] == 1:
            del tensor.dims[0]
