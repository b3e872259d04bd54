"""Profiles: the measurements of a profile job."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qai_hub.resources.profile_html import format_profile_html
from qai_hub.resources.profile_parts import ComputeUnitUse, Layer, MemoryRange, ProfilePhase
from qai_hub.resources.profile_report import format_profile_text

if TYPE_CHECKING:
    import pandas as pd


_NOT_MEASURED = ProfilePhase()


@dataclass(frozen=True, repr=False)
class Profile:
    """The measurements of a profile job. Times are in microseconds, memory is in bytes.

    A notebook shows it with a bar for each of the slowest layers. What was measured in a simulation
    or on a local hub's own CPU says so before any number.

    Attributes:
        compile: Compilation on the device, if there is any.
        first_load: The first load of the model.
        warm_load: Later loads.
        inference: Inferences.
        layers: The layers, in order of execution.
        tool_versions: Version of each tool that was used, by name.
        runtime: Settings of each runtime, as strings by name. A local hub reports here which
            machine it measured on.
        version: Major and minor version of the service's profile format.

    Examples:
        >>> profile = inference_job.get_profile()
        >>> for layer in profile.slowest(3):
        ...     print(layer.type, layer.compute_unit)
        GlobalAveragePool CPU
    """

    compile: ProfilePhase = _NOT_MEASURED
    first_load: ProfilePhase = _NOT_MEASURED
    warm_load: ProfilePhase = _NOT_MEASURED
    inference: ProfilePhase = _NOT_MEASURED
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
        """What ran on each compute unit, starting with the unit with the most layers."""
        layers: dict[str, list[Layer]] = {}
        for layer in self.layers:
            layers.setdefault(layer.compute_unit, []).append(layer)
        uses = {}
        for unit, unit_layers in sorted(layers.items(), key=lambda item: -len(item[1])):
            times = [
                layer.execution_time for layer in unit_layers if layer.execution_time is not None
            ]
            uses[unit] = ComputeUnitUse(len(unit_layers), sum(times) if times else None)
        return uses

    def slowest(self, n: int = 10) -> tuple[Layer, ...]:
        """Returns the slowest layers.

        Args:
            n: Maximum number of layers to return.

        Returns:
            The measured layers, slowest first, by their times or, if the profile has no layer
            times, by their cycles.

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
        """Returns the layers as a table; needs pandas: `pip install 'qai-hub-openapi[pandas]'`.

        Returns:
            One row per layer in order of execution, with the columns `name`, `type`,
            `compute_unit`, `execution_time` (microseconds) and `execution_cycles`. The last two
            have the dtype `UInt64`, with `<NA>` for what was not measured.

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
        """Returns the profile in the form that `download_profile` returns.

        Returns:
            `execution_summary`: times in microseconds, memory in bytes, ranges as (lower, upper);
            `execution_detail`: one dictionary per layer, in order of execution.

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
            summary[f"{name}_memory_increase_range"] = _to_tuple(phase.memory_increase_range)
            summary[f"{name}_memory_peak_range"] = _to_tuple(phase.peak_memory_range)
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
        return format_profile_text(self)

    def _repr_html_(self) -> str:
        return format_profile_html(self)


def _to_tuple(measured: MemoryRange | None) -> tuple[int, int] | None:
    """Returns a range as a plain tuple, which scripts print."""
    return None if measured is None else (measured.lower, measured.upper)


def _layer_dict(layer: Layer) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": layer.name,
        "type": layer.type,
        "compute_unit": layer.compute_unit,
    }
    for key in ("execution_time", "execution_cycles"):
        value = getattr(layer, key)
        if value is not None:
            fields[key] = value
    return fields
