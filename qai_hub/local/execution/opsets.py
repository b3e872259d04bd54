"""Operator sets of ONNX, as far as quantized tensors need them."""

import logging

import onnx

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.sessions import explained

logger = logging.getLogger(__name__)

# From these operator sets on, Q and DQ nodes take a scale per channel, and 4 and 16 bits.
OPSET_PER_CHANNEL = 13
OPSET_ALL_TYPES = 21


def to_opset(model: onnx.ModelProto, needed: int) -> onnx.ModelProto:
    """Convert a model to an operator set that has the types of its quantized tensors.

    Args:
        model: The model.
        needed: The version that is needed.

    Returns:
        The model where its own version is as new, else a converted one.

    Raises:
        JobFailure: It cannot be converted.
    """
    version = max(opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"})
    if version >= needed:
        return model
    logger.info("Converting from the operator set %d to %d", version, needed)
    try:
        return onnx.version_converter.convert_version(model, needed)
    except (RuntimeError, ValueError) as error:
        reason = (
            f"These types need the operator set {needed}, and the model, which has {version}, "
            f"cannot be converted to it ({explained(error)}): export it again with {needed}."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from error
