"""Profiles as the service reports them."""

from typing import Any

_MEMORY = [
    f"{when}_{phase}_{kind}_memory"
    for when in ("before", "after")
    for phase in ("compile", "cold_load", "warm_load", "execution")
    for kind in ("current", "peak")
]
_TIMES = ["execution_time", "cold_load_time", "warm_load_time", "compile_time"]
_LISTS = ["layer_details", "segment_details", "runtime_config", "tool_versions"]


def detail(**values: Any) -> dict[str, Any]:
    """The JSON of a ProfileDetail of the current version, in which nothing was measured."""
    numbers = dict.fromkeys(["peak_memory_usage", *_MEMORY, *_TIMES], 0)
    all_times: dict[str, Any] = {f"all_{time}s": [] for time in _TIMES}
    lists: dict[str, Any] = {name: [] for name in _LISTS}
    return {"major_version": 1, "minor_version": 2, **numbers, **all_times, **lists, **values}


def layer(
    name: Any = "conv", unit: str = "COMPUTE_UNIT_NPU", kind: Any = "Conv", **values: Any
) -> dict[str, Any]:
    """The JSON of a LayerDetail."""
    delegate = {"id": "0", "delegate_name": "", "delegate_extra_info": ""}
    named = {"name": name, "compute_unit": unit, "layer_type_name": kind}
    return {**named, **delegate, "delegate_reported_ops": [], **values}


def tool(name: Any, version: Any) -> dict[str, Any]:
    """The JSON of a ToolVersion."""
    return {"name": name, "version": version}
