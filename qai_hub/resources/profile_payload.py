"""Conversion of profiles from the service's payloads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qai_hub.resources.profile import Profile
from qai_hub.resources.profile_parts import Layer, MemoryRange, ProfilePhase
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset

_MAX_UINT64 = 2**64 - 1
# The service's names for the phases.
_PHASES = {
    "compile": "compile",
    "first_load": "cold_load",
    "warm_load": "warm_load",
    "inference": "execution",
}


def profile_from_api(detail: api.ProfileDetail) -> Profile:
    """Creates a profile from a payload of any version."""
    major, minor = (
        _parse_number(detail.major_version) or 0,
        _parse_number(detail.minor_version) or 0,
    )
    phases = (
        {name: _parse_phase(detail, wire_name) for name, wire_name in _PHASES.items()}
        if major >= 1
        else _parse_phases_of_version_0(detail)
    )
    return Profile(
        **phases,
        layers=tuple(_parse_layer(layer) for layer in detail.layer_details),
        tool_versions=tools_from_api(detail.tool_versions),
        runtime={
            str(runtime.name): {str(each.key): str(each.value) for each in runtime.properties}
            for runtime in detail.runtime_config
        },
        version=(major, minor),
    )


def tools_from_api(tools: Iterable[api.ToolVersion]) -> dict[str, str]:
    """Returns the versions of tools, by name."""
    return {str(tool.name): str(tool.version) for tool in tools}


def _parse_phase(detail: api.ProfileDetail, name: str) -> ProfilePhase:
    numbers = [_parse_number(time) for time in getattr(detail, f"all_{name}_times")]
    times = tuple(time for time in numbers if time is not None)
    time = _parse_number(getattr(detail, f"{name}_time"))
    memory = value_or_none(getattr(detail, f"{name}_memory"))
    return ProfilePhase(
        # On the wire, 0 is the only sign that a value was not measured.
        time=time if time or times else None,
        all_times=times,
        peak_memory=_parse_number(getattr(detail, f"after_{name}_peak_memory")) or None,
        peak_memory_range=_parse_range(memory.peak) if memory else None,
        memory_increase_range=_parse_range(memory.increase) if memory else None,
    )


def _parse_phases_of_version_0(detail: api.ProfileDetail) -> dict[str, ProfilePhase]:
    """Returns the phases of an old profile, which has one load time and one memory peak."""
    return {
        "compile": ProfilePhase(peak_memory=_parse_number(detail.peak_memory_usage) or None),
        "first_load": ProfilePhase(time=_parse_number(value_or_none(detail.load_time))),
        "inference": ProfilePhase(time=_parse_number(detail.execution_time)),
    }


def _parse_layer(layer: api.LayerDetail) -> Layer:
    return Layer(
        name=str(layer.name),
        type=str(layer.layer_type_name),
        compute_unit=str(layer.compute_unit).removeprefix("COMPUTE_UNIT_"),
        execution_time=_parse_number(value_or_none(layer.execution_time)),
        execution_cycles=_parse_number(value_or_none(layer.execution_cycles)),
    )


def _parse_range(measured: api.Range | Unset) -> MemoryRange | None:
    values = value_or_none(measured)
    if values is None:
        return None
    lower, upper = _parse_number(values.lower), _parse_number(values.upper)
    return None if lower is None or upper is None else MemoryRange(lower, upper)


def _parse_number(value: object) -> int | None:
    """Returns an integer within the contract's limits; None for anything else, such as NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_UINT64 else None
