"""The settings in `--qnn_options`, for QNN's HTP."""

import ctypes
import importlib
import os
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import cast

import onnxruntime

from qai_hub.closest import did_you_mean
from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error
from qai_hub.local.engine.onnx.session import (
    RUNTIME_ERRORS,
    OptimizationLevel,
    Session,
    format_runtime_error,
)
from qai_hub.local.engine.protocol import (
    MIN_HTP_VERSION,
    Soc,
    build_notice,
    quote_name,
)

GRAPHS = "context_enable_graphs"
OPTIMIZATIONS = "default_graph_htp_optimizations"
PRECISION = "default_graph_htp_precision"
VTCM = "default_graph_htp_vtcm_size"
_SETTING_PREFIXES = ("context_", "default_graph_")
_MAX_VTCM = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class QnnSettings:
    """Settings of QNN.

    Attributes:
        graphs: Names of graphs: the name of a compiled graph, or the graphs to run.
        optimization: Optimization level of the compiler, 0 to 3; None for its default.
        vtcm: Fast memory (VTCM) that the graph may use, in MB; None for all of it.
        notices: Notices about settings that are ignored.
    """

    graphs: tuple[str, ...] = ()
    optimization: int | None = None
    vtcm: int | None = None
    notices: tuple[dict[str, str], ...] = field(default=())

    def provider_options(self, soc: Soc) -> dict[str, str]:
        """Return the equivalent options of ONNX Runtime's provider.

        Args:
            soc: The chip to compile for.
        """
        options = {}
        if soc.fp16:
            options["enable_htp_fp16_precision"] = "1"
        if self.optimization is not None:
            options["htp_graph_finalization_optimization_mode"] = str(self.optimization)
        if self.vtcm is not None:
            options["vtcm_mb"] = str(self.vtcm)
        return options


def parse_qnn_settings(options: Mapping[str, str]) -> QnnSettings:
    """Parse the settings of a compile job for QNN.

    Args:
        options: Values by name.

    Returns:
        The parsed settings.

    Raises:
        JobFailure: A name is unknown, or a value is not valid for its name.
    """
    notices = _check_names(options, {GRAPHS, OPTIMIZATIONS, PRECISION, VTCM})
    _check_precision(options.get(PRECISION, "FLOAT16"))
    return QnnSettings(
        graphs=_parse_graphs(options),
        optimization=_parse_optimization(options[OPTIMIZATIONS])
        if OPTIMIZATIONS in options
        else None,
        vtcm=_parse_vtcm(options[VTCM]) if VTCM in options else None,
        notices=notices,
    )


def parse_run_settings(
    options: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    """Parse the settings of a job that runs a QNN binary.

    Args:
        options: Values by name.

    Returns:
        The names of the graphs to run, and notices about settings that are ignored.

    Raises:
        JobFailure: A name is unknown.
    """
    return _parse_graphs(options), _check_names(options, {GRAPHS})


def _check_names(options: Mapping[str, str], known: AbstractSet[str]) -> tuple[dict[str, str], ...]:
    """Return notices about settings without effect, and refuse unknown ones."""
    unknown = [name for name in options if not name.startswith(_SETTING_PREFIXES)]
    if unknown:
        listing = ", ".join(sorted(known))
        raise _invalid(
            f"{quote_name(unknown[0])} is unknown.{did_you_mean(unknown[0], known)} "
            f"This job accepts {listing}"
        )
    ignored = sorted(options.keys() - known)
    message = f"In --qnn_options, {', '.join(map(quote_name, ignored))} has no effect on this hub."
    return (build_notice("INFO", "USER", message),) if ignored else ()


def _parse_graphs(options: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in options.get(GRAPHS, "").split(",") if name.strip())


def _parse_optimization(value: str) -> int:
    level = value.removeprefix("O=")
    if level not in {"0", "1", "2", "3"}:
        raise _invalid(f"{OPTIMIZATIONS} must be O=0, O=1, O=2 or O=3, not {quote_name(value)}")
    return int(level)


def _check_precision(value: str) -> None:
    if value.upper() != "FLOAT16":
        raise _invalid(f"{PRECISION} must be FLOAT16, the HTP's only one, not {quote_name(value)}")


def _parse_vtcm(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= _MAX_VTCM):
        raise _invalid(f"{VTCM} must be 1 to {_MAX_VTCM} (MB), not {quote_name(value)}")
    return int(value)


def _invalid(problem: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_ARGUMENT, f"In --qnn_options, {problem}.")


PROVIDER = "QNNExecutionProvider"
# The session setting that `QnnSession.assignment` requires.
RECORD_ASSIGNMENT = "session.record_ep_graph_assignment_info"
# The session setting that prevents fallback to the CPU.
DISABLE_CPU_FALLBACK = {"session.disable_cpu_ep_fallback": "1"}
_IR_LIBRARY = "libQnnIr.so"
_SYSTEM_LIBRARY = "libQnnSystem.so"
_EXTRA = "qnn"


def is_provider_installed() -> bool:
    """Return whether this machine has the provider, whether or not it can be loaded."""
    return find_spec("onnxruntime_qnn") is not None


def sdk_version() -> str:
    """Return the version of QAIRT in the provider, such as "2.51.0"."""
    return cast("str", _load_provider().build_and_package_info.qnn_version)


def provider_version() -> str:
    """Return the version of the provider."""
    return cast("str", _load_provider().__version__)


def check_soc(soc: Soc | None, purpose: str) -> Soc:
    """Check, before any work is done, that QNN is installed and supports a chip.

    Args:
        soc: The chip of the job's device; None for a device that is not in the catalogue.
        purpose: What QNN is needed for.

    Returns:
        The chip.

    Raises:
        JobFailure: QNN is not installed, or the chip has no HTP.
    """
    _load_provider()
    if soc is None:
        reason = (
            f"The job's device is not in the catalogue of this hub: {purpose} needs a known chip."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    if not soc.has_htp:
        reason = (
            f"The chip {soc.name} has a Hexagon v{soc.hexagon} without a tensor processor: QNN "
            f"compiles for v{MIN_HTP_VERSION} and later. Compile with --target_runtime onnx, or "
            "for "
            "another device."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    return soc


def htp_options(soc: Soc) -> dict[str, str]:
    """Return the provider's options to compile for a chip's HTP or to simulate it.

    Chips are given as numbers, since the provider silently takes an unknown name for another chip.
    """
    return {
        "backend_path": str(_load_provider().get_qnn_htp_path()),
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
        "backend_path": str(Path(_load_provider().LIB_DIR_FULL_PATH) / _IR_LIBRARY),
        "offload_graph_io_quantization": "0",
        "dump_qnn_ir_dlc": "1",
        "dump_qnn_ir_dlc_dir": str(folder),
    }


def context_settings(wrapper: Path, *, allow_cpu: bool = False) -> dict[str, str]:
    """Return the settings of a session that compiles a context.

    Args:
        wrapper: The .onnx file to write, beside its context binary.
        allow_cpu: Whether the CPU may run nodes that the HTP cannot.
    """
    settings = {
        "ep.context_enable": "1",
        "ep.context_embed_mode": "0",
        "ep.context_file_path": str(wrapper),
    }
    return settings if allow_cpu else settings | DISABLE_CPU_FALLBACK


class QnnSession(Session):
    """A session that runs a model with ONNX Runtime's provider for QNN, in part or as a whole.

    Args:
        path: The .onnx file.
        options: Options of the provider.
        settings: Session settings, by ONNX Runtime's keys.
        trace_prefix: Prefix of the file that records the times per node of each run.

    Raises:
        JobFailure: ONNX Runtime cannot load the model.
    """

    def __init__(
        self,
        path: Path,
        options: Mapping[str, str],
        *,
        settings: Mapping[str, str] | None = None,
        trace_prefix: Path | None = None,
    ) -> None:
        _load_provider()
        self._options = dict(options)
        # Higher levels would insert nodes specific to this machine's CPU.
        super().__init__(
            path,
            level=OptimizationLevel.ORT_ENABLE_BASIC,
            settings=settings,
            trace_prefix=trace_prefix,
        )

    def get_assignment(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the parts of the graph: the provider of each, and its nodes' names and operators.

        The session must have the setting `ASSIGNED`.
        """
        return [
            (part.ep_name, [(node.name, node.op_type) for node in part.get_nodes()])
            for part in self._session.get_provider_graph_assignment_info()
        ]

    def _create(
        self, path: Path, options: onnxruntime.SessionOptions
    ) -> onnxruntime.InferenceSession:
        devices = [each for each in onnxruntime.get_ep_devices() if each.ep_name == PROVIDER]
        options.add_provider_for_devices(devices[:1], self._options)
        # Parts of a graph are named after the path of the model as it is given here: with that of
        # the attempt's folder in it, no two jobs would make the same file.
        session = onnxruntime.InferenceSession(os.path.relpath(path), options)
        # After an error it would try the CPU alone, and report that this cannot run a context.
        session.disable_fallback()
        return session


@cache
def _load_provider() -> ModuleType:
    """Register the provider with ONNX Runtime, and return its package."""
    try:
        package = importlib.import_module("onnxruntime_qnn")
    except ImportError as error:
        if resource_failure_from_error(error):
            raise
        reason = (
            "QNN is not installed on this hub: run pip install 'qai-hub-openapi[qnn]' where the "
            "hub runs, and restart the hub. It needs Linux on x86-64."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason, lacks=_EXTRA) from None
    try:
        onnxruntime.register_execution_provider_library(PROVIDER, package.get_library_path())
    except RUNTIME_ERRORS as error:
        reason = f"QNN does not work on this machine: {format_runtime_error(error)}."
        raise JobFailure(FailureType.UNSUPPORTED, reason, lacks=_EXTRA) from None
    # The provider loads it later, and takes a model that it then cannot compile for the culprit.
    try:
        ctypes.CDLL(str(Path(package.LIB_DIR_FULL_PATH) / _SYSTEM_LIBRARY))
    except OSError as error:
        if resource_failure_from_error(error):
            raise
        reason = (
            "QNN does not work on this machine: a library that it needs cannot be loaded "
            f"({error}). Install it where the hub runs."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason, lacks=_EXTRA) from None
    return package
