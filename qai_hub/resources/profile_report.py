"""Profiles as plain text, and the parts of that which their HTML shows as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from qai_hub.display.text import one_line, shorten_middle

if TYPE_CHECKING:
    from qai_hub.resources.profile_parts import ComputeUnitUse, Layer, ProfilePhase


class ReportedProfile(Protocol):
    """The parts of a profile that a report shows."""

    @property
    def phases(self) -> Mapping[str, ProfilePhase]:
        """The phases in order, by name."""

    @property
    def inference(self) -> ProfilePhase:
        """The inference phase, the most important one."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order of execution."""

    @property
    def compute_units(self) -> Mapping[str, ComputeUnitUse]:
        """What ran on each compute unit, starting with the unit with the most layers."""

    @property
    def tool_versions(self) -> Mapping[str, str]:
        """Version of each tool, by name."""

    @property
    def runtime(self) -> Mapping[str, Mapping[str, str]]:
        """Settings of each runtime, by name."""

    def slowest(self, n: int = 10) -> tuple[Layer, ...]:
        """Returns the slowest layers, slowest first."""


NOT_MEASURED = "-"
_MAX_TEXT_ROWS = 5
_MAX_UNITS = 6
_NAME_WIDTH = 50
_MAX_NAME_LENGTH = 1024
_TEXT_WIDTH = 160


def format_profile_text(profile: ReportedProfile) -> str:
    """Formats a profile as a table of a few lines."""
    measured = measured_phases(profile)
    origin = format_origin(profile)
    lines = [f"Profile: {origin}" if origin else "Profile"]
    if measured:
        lines.append(f"  {'phase':<12}{'time':>16}  peak memory")
    lines += [
        f"  {name:<12}{format_milliseconds(phase.time):>16}  {format_peak_memory(phase)}"
        for name, phase in measured.items()
    ]
    units, more = format_units(profile)
    lines.append(f"  layers: {', '.join([*units.values(), *more]) or 'none'}")
    slowest = profile.slowest(_MAX_TEXT_ROWS)
    if slowest:
        lines.append("  slowest layers:")
    lines += [
        f"  {format_layer_cost(layer):>16}  {one_line(layer.compute_unit, 11):<11}  "
        f"{one_line(layer.type, 20):<20}  {_shorten_name(layer)}".rstrip()
        for layer in slowest
    ]
    lines += [f"  {title}: {text}" for title, text in format_environment(profile).items()]
    return "\n".join(lines)


def format_headline(profile: ReportedProfile) -> str:
    """Formats what matters most as one line: what was measured, before any number of it."""
    origin = format_origin(profile)
    inference = profile.inference
    units, more = format_units(profile)
    parts = [
        f"{format_milliseconds(inference.time)} an inference",
        f"{format_peak_memory(inference)} peak memory",
        f"layers: {', '.join([*units.values(), *more]) or 'none'}",
    ]
    return f"{f'{origin}: ' if origin else ''}{', '.join(parts)}"


def format_origin(profile: ReportedProfile) -> str:
    """Tells what was measured if that was not a device; empty if it was, or is not known."""
    told = profile.runtime.get("Measured on", {})
    if "HTP simulation" in told:
        # Its number for QNN follows, which tells people nothing.
        chip = one_line(told["HTP simulation"].partition(", SoC model")[0], _TEXT_WIDTH)
        return f"simulation of an HTP ({chip}), not measured on a device"
    if "host CPU" in told:
        host = one_line(told["host CPU"], _TEXT_WIDTH)
        return f"CPU of the hub's host ({host}), not measured on a device"
    return ""


def measured_phases(profile: ReportedProfile) -> dict[str, ProfilePhase]:
    """Returns the phases in which something was measured, by display name."""
    phases = profile.phases.items()
    return {name.replace("_", " "): phase for name, phase in phases if phase.is_measured}


def format_environment(profile: ReportedProfile) -> dict[str, str]:
    """Returns the tools and runtimes of a profile, each as one line by its title."""
    environment = {}
    if profile.tool_versions:
        tools = (f"{name} {version}" for name, version in profile.tool_versions.items())
        environment["Tools"] = one_line(", ".join(tools), _TEXT_WIDTH)
    for name, settings in list(profile.runtime.items())[:_MAX_TEXT_ROWS]:
        text = ", ".join(f"{key}: {value}" for key, value in settings.items())
        environment[one_line(name, _NAME_WIDTH)] = one_line(text, 2 * _TEXT_WIDTH)
    return environment


def format_units(profile: ReportedProfile) -> tuple[dict[str, str], list[str]]:
    """Formats what ran on each compute unit, such as `12 on NPU (1.204 ms)`.

    Returns:
        The texts by unit, for the first few units; and the number of further units, if any.
    """
    uses = profile.compute_units
    texts = {}
    for unit, use in list(uses.items())[:_MAX_UNITS]:
        time = "" if use.execution_time is None else f" ({format_milliseconds(use.execution_time)})"
        texts[unit] = f"{use.layers:,} on {one_line(unit, 20)}{time}"
    return texts, [f"{len(uses) - _MAX_UNITS:,} more units"] if len(uses) > _MAX_UNITS else []


def format_layer_cost(layer: Layer) -> str:
    """Formats the time of a layer, or else its cycles."""
    if layer.execution_time is not None or layer.execution_cycles is None:
        return format_milliseconds(layer.execution_time)
    return f"{layer.execution_cycles:,} cycles"


def format_milliseconds(time: int | None) -> str:
    """Formats a time, given in microseconds, in milliseconds."""
    return NOT_MEASURED if time is None else f"{time / 1000:,.3f} ms"


def format_peak_memory(phase: ProfilePhase) -> str:
    """Formats the peak memory of a phase."""
    measured = phase.peak_memory_range
    if measured is None:
        return (
            NOT_MEASURED
            if phase.peak_memory is None
            else f"{_format_mebibytes(phase.peak_memory)} MiB"
        )
    lower, upper = _format_mebibytes(measured.lower), _format_mebibytes(measured.upper)
    return f"{lower} MiB" if lower == upper else f"{lower} to {upper} MiB"


def _shorten_name(layer: Layer) -> str:
    """Returns a layer's name as one line, shortened in the middle if long."""
    return shorten_middle(one_line(layer.name, _MAX_NAME_LENGTH), _NAME_WIDTH)


def _format_mebibytes(memory: int) -> str:
    return f"{memory / 2**20:,.1f}"
