"""Converts AIMET models, a float model with its encodings, to ONNX with Q and DQ nodes."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.edit import OPSET_ALL_TYPES, OPSET_PER_CHANNEL, convert_opset
from qai_hub.local.engine.onnx.model_files import ModelFile, iter_tensors, open_model
from qai_hub.local.engine.onnx.prepare import check_model, remove_initializer_inputs
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.engine.quantize.encodings import read_encodings
from qai_hub.local.engine.quantize.nodes import insert_quantizers
from qai_hub.local.enums import ModelType

logger = logging.getLogger(__name__)


def open_aimet(source: Path, work: Path) -> ModelFile:
    """Open an AIMET model, and insert Q and DQ nodes according to its encodings.

    Args:
        source: The uploaded file, an archive of a directory with a .onnx file and .encodings.
        work: Folder for unpacked and generated files.

    Returns:
        The ONNX model: weights are integers, with DQ nodes; activations have Q and DQ nodes.

    Raises:
        JobFailure: It is not an AIMET model, or an encoding is not supported; the reason names it.
    """
    opened = open_model(source, ModelType.ONNX, work)
    found = sorted(opened.path.parent.glob("*.encodings"))
    if not opened.is_unpacked or len(found) != 1:
        content = f"has {len(found)}" if opened.is_unpacked else "is a single file"
        reason = (
            "An AIMET model is a directory with one .onnx file and one .encodings file beside it; "
            f"this model {content}."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    check_model(opened)
    encodings = read_encodings(found[0])
    logger.info("Quantizing %d tensors by their encodings", len(encodings.integers))
    has_external_data = any(
        tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in iter_tensors(opened.proto)
    )
    wide = any(encoding.bits in {4, 16} for encoding in encodings.integers)
    # Without the weights, as the converter only takes models below 2 GiB.
    model = convert_opset(opened.proto, OPSET_ALL_TYPES if wide else OPSET_PER_CHANNEL)
    onnx.load_external_data_for_model(model, str(opened.path.parent))
    remove_initializer_inputs(model)
    insert_quantizers(model, encodings.integers)
    path = work / "quantized" / "model.onnx"
    path.parent.mkdir()
    onnx.save_model(model, path, save_as_external_data=has_external_data, location="model.data")
    return ModelFile(
        path,
        onnx.load(path, load_external_data=False),
        is_unpacked=True,
        notices=tuple(_float_notices(encodings.floats)),
    )


def _float_notices(names: Sequence[str]) -> Iterator[dict[str, str]]:
    if names:
        listed = ", ".join(map(quote_name, names[:10])) + ", …" * (len(names) > 10)
        message = f"Not quantized, as the AIMET encodings of these tensors are floats: {listed}."
        yield build_notice("INFO", "MODEL", message)
