"""Profiles: what profiling measured, as a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qai_hub.transport.values import known

if TYPE_CHECKING:
    from qai_hub_api import models as api

# What stands for a value that the profile does not have.
NOT_MEASURED = None


def profile_dict(profile: api.ProfileDetail) -> dict[str, Any]:
    """A profile in the form that `download_profile` gives.

    Args:
        profile: What the service measured.

    Returns:
        `execution_summary`: times in microseconds, memory in bytes, ranges as (lower, upper);
        `execution_detail`: one dictionary a layer, in order of execution, with `name`, `type`,
        `compute_unit` and, where measured, `execution_time` (microseconds) and `execution_cycles`.
    """
    summary = _summary(profile) if profile.major_version >= 1 else _summary_of_version_0(profile)
    return {
        "execution_summary": summary,
        "execution_detail": [_layer(layer) for layer in profile.layer_details],
    }


def _summary(profile: api.ProfileDetail) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "estimated_inference_time": profile.execution_time,
        "estimated_inference_peak_memory": profile.after_execution_peak_memory,
        "first_load_time": profile.cold_load_time,
        "first_load_peak_memory": profile.after_cold_load_peak_memory,
        "warm_load_time": profile.warm_load_time,
        "warm_load_peak_memory": profile.after_warm_load_peak_memory,
        "compile_time": profile.compile_time,
        "compile_peak_memory": profile.after_compile_peak_memory,
    }
    phases = {
        "compile": (profile.compile_memory, profile.all_compile_times),
        "first_load": (profile.cold_load_memory, profile.all_cold_load_times),
        "warm_load": (profile.warm_load_memory, profile.all_warm_load_times),
        "inference": (profile.execution_memory, profile.all_execution_times),
    }
    for phase, (usage, times) in phases.items():
        memory = known(usage)
        for kind in ("increase", "peak"):
            measured = getattr(memory, kind) if memory else None
            summary[f"{phase}_memory_{kind}_range"] = (
                (measured.lower, measured.upper) if measured else NOT_MEASURED
            )
        summary[f"all_{phase}_times"] = list(times)
    return summary


def _summary_of_version_0(profile: api.ProfileDetail) -> dict[str, Any]:
    """The summary of an old profile, which has one load and one peak."""
    summary: dict[str, Any] = dict.fromkeys(_summary(profile), NOT_MEASURED)
    summary["estimated_inference_time"] = profile.execution_time
    summary["first_load_time"] = known(profile.load_time)
    summary["compile_peak_memory"] = profile.peak_memory_usage
    return summary


def _layer(layer: api.LayerDetail) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": layer.name,
        "type": layer.layer_type_name,
        "compute_unit": layer.compute_unit.value.removeprefix("COMPUTE_UNIT_"),
    }
    for key in ("execution_time", "execution_cycles"):
        value = known(getattr(layer, key))
        if value is not None:
            found[key] = value
    return found
