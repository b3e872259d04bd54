"""ONNX Runtime's execution provider for QNN: its availability, options and sessions."""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import cast

import onnxruntime

from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_of
from qai_hub.local.engine.onnx.session import RUNTIME_ERRORS, Level, Session, explained
from qai_hub.local.engine.protocol import HTP_FIRST, Soc

PROVIDER = "QNNExecutionProvider"
# The session setting that `QnnSession.assignment` requires.
ASSIGNED = "session.record_ep_graph_assignment_info"
# The session setting that prevents fallback to the CPU.
QNN_ALONE = {"session.disable_cpu_ep_fallback": "1"}
_IR_LIBRARY = "libQnnIr.so"


def sdk_version() -> str:
    """Return the version of the QNN SDK in the provider, such as "2.51.0"."""
    return cast("str", _registered().build_and_package_info.qnn_version)


def provider_version() -> str:
    """Return the version of the provider."""
    return cast("str", _registered().__version__)


def check_soc(soc: Soc | None, what: str) -> Soc:
    """Check, before any work is done, that QNN is installed and supports a chip.

    Args:
        soc: The chip of the job's device; None for a device that is not in the catalogue.
        what: What QNN is needed for.

    Returns:
        The chip.

    Raises:
        JobFailure: QNN is not installed, or the chip has no HTP.
    """
    _registered()
    if soc is None:
        reason = f"The job's device is not in the catalogue of this hub, which {what} needs."
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    if not soc.has_htp:
        reason = (
            f"The chip {soc.name} has a Hexagon v{soc.hexagon}, without a tensor processor: QNN "
            f"compiles for v{HTP_FIRST} and later. Compile with --target_runtime onnx, or for "
            "another device."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return soc


def htp_options(soc: Soc) -> dict[str, str]:
    """Return the provider's options to compile for a chip's HTP or to simulate it.

    Chips are given as numbers, since the provider silently takes an unknown name for another chip.
    """
    return {
        "backend_path": str(_registered().get_qnn_htp_path()),
        "soc_model": str(soc.soc_model),
        "htp_arch": str(soc.hexagon),
        # Inputs and outputs are quantized in the graph, not outside of it by this machine's CPU.
        "offload_graph_io_quantization": "0",
    }


def ir_options(folder: Path) -> dict[str, str]:
    """Return the provider's options for QNN's intermediate form of graphs, for no specific chip.

    Each session writes its graphs as DLCs, by default to the working directory.

    Args:
        folder: Folder for the DLCs.
    """
    return {
        "backend_path": str(Path(_registered().LIB_DIR_FULL_PATH) / _IR_LIBRARY),
        "offload_graph_io_quantization": "0",
        "dump_qnn_ir_dlc": "1",
        "dump_qnn_ir_dlc_dir": str(folder),
    }


class QnnSession(Session):
    """A session that runs a model with ONNX Runtime's provider for QNN, in part or as a whole.

    Args:
        path: The .onnx file.
        options: Options of the provider.
        settings: Session settings, by ONNX Runtime's keys.
        trace: Prefix of the file that records the times per node of each run.

    Raises:
        JobFailure: ONNX Runtime cannot load the model.
    """

    def __init__(
        self,
        path: Path,
        options: Mapping[str, str],
        *,
        settings: Mapping[str, str] | None = None,
        trace: Path | None = None,
    ) -> None:
        _registered()
        self._options = dict(options)
        # Higher levels would insert nodes specific to this machine's CPU.
        super().__init__(path, level=Level.ORT_ENABLE_BASIC, settings=settings, trace=trace)

    def assignment(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the parts of the graph: the provider of each, and its nodes' names and operators.

        The session must have the setting `ASSIGNED`.
        """
        return [
            (part.ep_name, [(node.name, node.op_type) for node in part.get_nodes()])
            for part in self._native.get_provider_graph_assignment_info()
        ]

    def _open(
        self, path: Path, options: onnxruntime.SessionOptions
    ) -> onnxruntime.InferenceSession:
        devices = [each for each in onnxruntime.get_ep_devices() if each.ep_name == PROVIDER]
        options.add_provider_for_devices(devices[:1], self._options)
        return onnxruntime.InferenceSession(path, options)


@cache
def _registered() -> ModuleType:
    """Register the provider with ONNX Runtime, and return its package."""
    try:
        package = importlib.import_module("onnxruntime_qnn")
    except ImportError as error:
        if resource_failure_of(error):
            raise
        reason = (
            "This hub has no QNN: install it with pip install 'qai-hub-openapi[qnn]' and start the "
            "hub again. It is for Linux on x86-64."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from None
    try:
        onnxruntime.register_execution_provider_library(PROVIDER, package.get_library_path())
    except RUNTIME_ERRORS as error:
        reason = f"The QNN of this hub does not work on this machine: {explained(error)}"
        raise JobFailure(FailureType.UNSUPPORTED, reason) from None
    return package
