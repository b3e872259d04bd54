"""Profiles: what profiling measured."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.resources.profile_report import profile_html, profile_text
from qai_hub.transport.values import known

if TYPE_CHECKING:
    import pandas as pd
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset


class MemoryRange(NamedTuple):
    """Smallest and largest of several measurements of memory, in bytes.

    Attributes:
        lower: The smallest.
        upper: The largest.

    Examples:
        >>> memory = profile.inference.peak_memory_range
        >>> memory.lower <= memory.upper
        True
    """

    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class ProfilePhase:
    """What was measured in one phase of a profile job; None stands for what was not.

    Attributes:
        time: Estimated time, in microseconds.
        all_times: All measured times in order, in microseconds.
        peak_memory: Peak memory up to the end of the phase, in bytes.
        peak_memory_range: Peak memory within the phase, over all measurements.
        memory_increase_range: By how much memory grew in the phase, over all measurements.

    Examples:
        >>> phase = profile.warm_load
        >>> phase.time > 0, phase.peak_memory > 0
        (True, True)
    """

    time: int | None = None
    all_times: tuple[int, ...] = ()
    peak_memory: int | None = None
    peak_memory_range: MemoryRange | None = None
    memory_increase_range: MemoryRange | None = None

    @property
    def is_measured(self) -> bool:
        """Whether anything was measured."""
        return self != ProfilePhase()


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a profiled model.

    Attributes:
        name: Name of the layer.
        type: Its type, such as `"Conv"`.
        compute_unit: Where it ran: `"CPU"`, `"GPU"`, `"NPU"` or `"UNSPECIFIED"`; a newer service
            may know others.
        execution_time: Its time in one inference, in microseconds; None if not measured.
        execution_cycles: Its cycles in one inference; None if not measured.

    Examples:
        >>> layer = profile.layers[0]
        >>> layer.name, layer.type, layer.compute_unit
        ('averaging', 'GlobalAveragePool', 'CPU')
    """

    name: str
    type: str
    compute_unit: str
    execution_time: int | None = None
    execution_cycles: int | None = None


class ComputeUnitUse(NamedTuple):
    """What ran on one compute unit.

    Attributes:
        layers: Number of layers.
        execution_time: Sum of their times in microseconds; None if none was measured.

    Examples:
        >>> profile.compute_units["CPU"].layers
        1
    """

    layers: int
    execution_time: int | None


@dataclass(frozen=True, repr=False)
class Profile:
    """What profiling measured. Times are in microseconds, memory is in bytes.

    In a notebook it is shown with a bar for each of the slowest layers.

    Attributes:
        compile: Compiling on the device, where that happens.
        first_load: The first load of the model.
        warm_load: Later loads.
        inference: Inferences.
        layers: The layers, in order of execution.
        tool_versions: Version of each tool that was used, by its name.
        runtime: Settings of each runtime by its name, as texts. A local hub tells here which
            machine it measured on.
        version: Major and minor version of the service's form of profiles.

    Examples:
        >>> profile = inference_job.get_profile()
        >>> for layer in profile.slowest(3):
        ...     print(layer.type, layer.compute_unit)
        GlobalAveragePool CPU
    """

    compile: ProfilePhase = ProfilePhase()
    first_load: ProfilePhase = ProfilePhase()
    warm_load: ProfilePhase = ProfilePhase()
    inference: ProfilePhase = ProfilePhase()
    layers: tuple[Layer, ...] = ()
    tool_versions: dict[str, str] = field(default_factory=dict, hash=False)
    runtime: dict[str, dict[str, str]] = field(default_factory=dict, hash=False)
    version: tuple[int, int] = (1, 0)

    @property
    def phases(self) -> dict[str, ProfilePhase]:
        """The four phases in order, by name."""
        names = ("compile", "first_load", "warm_load", "inference")
        return {name: getattr(self, name) for name in names}

    @property
    def compute_units(self) -> dict[str, ComputeUnitUse]:
        """What ran on each compute unit, the one with the most layers first."""
        layers: dict[str, list[Layer]] = {}
        for layer in self.layers:
            layers.setdefault(layer.compute_unit, []).append(layer)
        uses = {}
        for unit, ran in sorted(layers.items(), key=lambda item: -len(item[1])):
            times = [layer.execution_time for layer in ran if layer.execution_time is not None]
            uses[unit] = ComputeUnitUse(len(ran), sum(times) if times else None)
        return uses

    def slowest(self, n: int = 10) -> tuple[Layer, ...]:
        """Gives the slowest layers.

        Args:
            n: How many layers to give at most.

        Returns:
            The layers that were measured, the slowest first: by their times or, in a profile
            without times of layers, by their cycles.

        Examples:
            >>> for layer in profile.slowest(3):
            ...     print(layer.name, f"{layer.execution_time} µs")
            averaging ... µs
        """
        timed = [layer for layer in self.layers if layer.execution_time is not None]
        if timed:
            return tuple(heapq.nlargest(n, timed, key=lambda layer: layer.execution_time or 0))
        counted = [layer for layer in self.layers if layer.execution_cycles is not None]
        return tuple(heapq.nlargest(n, counted, key=lambda layer: layer.execution_cycles or 0))

    def to_pandas(self) -> pd.DataFrame:
        """The layers as a table, which needs pandas: `pip install 'qai-hub-openapi[pandas]'`.

        Returns:
            One row a layer in order of execution, with the columns `name`, `type`,
            `compute_unit`, `execution_time` (microseconds) and `execution_cycles`. The last two
            are of the dtype `UInt64`, with `<NA>` where nothing was measured.

        Raises:
            ImportError: If pandas is not installed.

        Examples:
            >>> layers = profile.to_pandas()
            >>> layers.groupby("compute_unit").size().to_dict()
            {'CPU': 1}
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "Profile.to_pandas() needs pandas: pip install 'qai-hub-openapi[pandas]'"
            ) from error
        texts = ("name", "type", "compute_unit")
        numbers = ("execution_time", "execution_cycles")
        columns = {key: [getattr(layer, key) for layer in self.layers] for key in texts}
        measured = {
            key: pd.array([getattr(layer, key) for layer in self.layers], dtype="UInt64")
            for key in numbers
        }
        return pd.DataFrame({**columns, **measured})

    def to_dict(self) -> dict[str, Any]:
        """The profile in the form that `download_profile` gives.

        Returns:
            `execution_summary`: times in microseconds, memory in bytes, ranges as (lower, upper);
            `execution_detail`: one dictionary a layer, in order of execution.

        Examples:
            >>> sorted(profile.to_dict())
            ['execution_detail', 'execution_summary']
        """
        return {
            "execution_summary": self._summary(),
            "execution_detail": [_layer_dict(layer) for layer in self.layers],
        }

    def _summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = {}
        for name in ("inference", "first_load", "warm_load", "compile"):
            phase = self.phases[name]
            prefix = "estimated_inference" if name == "inference" else name
            summary[f"{prefix}_time"] = phase.time or 0
            summary[f"{prefix}_peak_memory"] = phase.peak_memory or 0
        for name, phase in self.phases.items():
            summary[f"{name}_memory_increase_range"] = _pair(phase.memory_increase_range)
            summary[f"{name}_memory_peak_range"] = _pair(phase.peak_memory_range)
        for name, phase in self.phases.items():
            summary[f"all_{name}_times"] = list(phase.all_times)
        if self.version[0] >= 1:
            return summary
        old: dict[str, Any] = dict.fromkeys(summary)
        old["estimated_inference_time"] = self.inference.time or 0
        old["first_load_time"] = self.first_load.time
        old["compile_peak_memory"] = self.compile.peak_memory or 0
        return old

    def __repr__(self) -> str:
        return profile_text(self)

    def _repr_html_(self) -> str:
        return profile_html(self)


def _pair(measured: MemoryRange | None) -> tuple[int, int] | None:
    """A range as the plain tuple that scripts print."""
    return None if measured is None else (measured.lower, measured.upper)


def _layer_dict(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": layer.name,
        "type": layer.type,
        "compute_unit": layer.compute_unit,
    }
    for key in ("execution_time", "execution_cycles"):
        value = getattr(layer, key)
        if value is not None:
            found[key] = value
    return found


_LARGEST = 2**64 - 1
# The service's names of the phases.
_PHASES = {
    "compile": "compile",
    "first_load": "cold_load",
    "warm_load": "warm_load",
    "inference": "execution",
}


def profile_from_api(detail: api.ProfileDetail) -> Profile:
    """The profile of a payload, of any version."""
    major, minor = _number(detail.major_version) or 0, _number(detail.minor_version) or 0
    phases = (
        {name: _phase(detail, theirs) for name, theirs in _PHASES.items()}
        if major >= 1
        else _phases_of_version_0(detail)
    )
    return Profile(
        **phases,
        layers=tuple(_layer(layer) for layer in detail.layer_details),
        tool_versions=tools_from_api(detail.tool_versions),
        runtime={
            str(runtime.name): {str(each.key): str(each.value) for each in runtime.properties}
            for runtime in detail.runtime_config
        },
        version=(major, minor),
    )


def tools_from_api(tools: Iterable[api.ToolVersion]) -> dict[str, str]:
    """Versions of tools by their names."""
    return {str(tool.name): str(tool.version) for tool in tools}


def _phase(detail: api.ProfileDetail, name: str) -> ProfilePhase:
    numbers = [_number(time) for time in getattr(detail, f"all_{name}_times")]
    times = tuple(time for time in numbers if time is not None)
    time = _number(getattr(detail, f"{name}_time"))
    memory = known(getattr(detail, f"{name}_memory"))
    return ProfilePhase(
        # The wire has no other sign than 0 for what was not measured.
        time=time if time or times else None,
        all_times=times,
        peak_memory=_number(getattr(detail, f"after_{name}_peak_memory")) or None,
        peak_memory_range=_range(memory.peak) if memory else None,
        memory_increase_range=_range(memory.increase) if memory else None,
    )


def _phases_of_version_0(detail: api.ProfileDetail) -> dict[str, ProfilePhase]:
    """The phases of an old profile, which has one load and one peak."""
    return {
        "compile": ProfilePhase(peak_memory=_number(detail.peak_memory_usage) or None),
        "first_load": ProfilePhase(time=_number(known(detail.load_time))),
        "inference": ProfilePhase(time=_number(detail.execution_time)),
    }


def _layer(layer: api.LayerDetail) -> Layer:
    return Layer(
        name=str(layer.name),
        type=str(layer.layer_type_name),
        compute_unit=str(layer.compute_unit).removeprefix("COMPUTE_UNIT_"),
        execution_time=_number(known(layer.execution_time)),
        execution_cycles=_number(known(layer.execution_cycles)),
    )


def _range(measured: api.Range | Unset) -> MemoryRange | None:
    given = known(measured)
    if given is None:
        return None
    lower, upper = _number(given.lower), _number(given.upper)
    return None if lower is None or upper is None else MemoryRange(lower, upper)


def _number(value: object) -> int | None:
    """A whole number in the contract's limits; None for anything else, such as NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _LARGEST else None
