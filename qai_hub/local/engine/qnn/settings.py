"""The settings in `--qnn_options`, for QNN's HTP."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import (
    Soc,
    notice,
    shortened,
)

GRAPHS = "context_enable_graphs"
OPTIMIZATIONS = "default_graph_htp_optimizations"
PRECISION = "default_graph_htp_precision"
VTCM = "default_graph_htp_vtcm_size"
_FAMILIES = ("context_", "default_graph_")
_MOST_VTCM = 64


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


def qnn_settings(given: Mapping[str, str]) -> QnnSettings:
    """Parse the settings of a compile job for QNN.

    Args:
        given: Values by name.

    Returns:
        The parsed settings.

    Raises:
        JobFailure: A name is unknown, or a value is not valid for its name.
    """
    notices = _notices(given, {GRAPHS, OPTIMIZATIONS, PRECISION, VTCM})
    _check_precision(given.get(PRECISION, "FLOAT16"))
    return QnnSettings(
        graphs=_graphs(given),
        optimization=_optimization(given[OPTIMIZATIONS]) if OPTIMIZATIONS in given else None,
        vtcm=_vtcm(given[VTCM]) if VTCM in given else None,
        notices=notices,
    )


def graphs_to_run(
    given: Mapping[str, str],
) -> tuple[tuple[str, ...], tuple[dict[str, str], ...]]:
    """Parse the settings of a job that runs a QNN binary.

    Args:
        given: Values by name.

    Returns:
        The names of the graphs to run, and notices about settings that are ignored.

    Raises:
        JobFailure: A name is unknown.
    """
    return _graphs(given), _notices(given, {GRAPHS})


def _notices(given: Mapping[str, str], read: AbstractSet[str]) -> tuple[dict[str, str], ...]:
    """Return notices about settings without effect, and refuse unknown ones."""
    unknown = [name for name in given if not name.startswith(_FAMILIES)]
    if unknown:
        known = ", ".join(sorted(read))
        raise _invalid(f"there is no {shortened(unknown[0])}. This job reads {known}")
    ignored = sorted(given.keys() - read)
    message = f"In --qnn_options, {', '.join(map(shortened, ignored))} changes nothing here."
    return (notice("INFO", "USER", message),) if ignored else ()


def _graphs(given: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.get(GRAPHS, "").split(",") if name.strip())


def _optimization(value: str) -> int:
    level = value.removeprefix("O=")
    if level not in {"0", "1", "2", "3"}:
        raise _invalid(f"{OPTIMIZATIONS} is O=0, O=1, O=2 or O=3, not {shortened(value)}")
    return int(level)


def _check_precision(value: str) -> None:
    if value.upper() != "FLOAT16":
        raise _invalid(f"{PRECISION} is FLOAT16, the HTP's only one, not {shortened(value)}")


def _vtcm(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value[:9]) <= _MOST_VTCM):
        raise _invalid(f"{VTCM} is a number of MB from 1 to {_MOST_VTCM}, not {shortened(value)}")
    return int(value)


def _invalid(problem: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_ARGUMENT, f"In --qnn_options, {problem}.")
