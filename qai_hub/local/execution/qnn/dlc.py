"""Writes an ONNX model as a DLC, QNN's format before a chip is chosen."""

from pathlib import Path

from qai_hub.local.execution.archive import unpack
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.qnn.provider import QNN_ALONE, QnnSession, ir_options
from qai_hub.local.execution.qnn.unsupported import explained


def unpack_source(source: Path | None, folder: Path) -> Path:
    """Unpack the model that a DLC was made of: ONNX Runtime reads no DLC.

    Args:
        source: The zip file that the hub keeps with the DLC; None if it has none.
        folder: Folder that takes it; it is made.

    Returns:
        The .onnx file.

    Raises:
        JobFailure: There is none.
    """
    if source is None:
        reason = "The model that the DLC was made of is no longer on this hub: compile it again."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    unpack(source, folder)
    return folder / "model.onnx" / "model.onnx"


def make_dlc(source: Path, folder: Path) -> Path:
    """Write a model whose shapes are all fixed as a DLC.

    Args:
        source: The .onnx file.
        folder: Folder that takes the DLC; it is made.

    Returns:
        The .dlc file. The name of its graph is that of the file, without the suffix.

    Raises:
        JobFailure: QNN has no operator for one of the model's.
    """
    folder.mkdir()
    options = ir_options(folder)
    try:
        QnnSession(source, options, settings=QNN_ALONE)
    except JobFailure as failure:
        raise explained(failure, source, options) from failure
    written = list(folder.glob("*.dlc"))
    if len(written) != 1:
        reason = f"QNN made {len(written)} graphs of the model, and a DLC holds one."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return written[0]
