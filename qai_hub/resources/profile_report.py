"""Human-readable profiles: as plain text and as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Protocol

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
    lines = ["Profile"]
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
        f"{one_line(layer.type, 20):<20}  {shorten_name(layer)}".rstrip()
        for layer in slowest
    ]
    lines += [f"  {title}: {text}" for title, text in format_environment(profile).items()]
    return "\n".join(lines)


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


def shorten_name(layer: Layer) -> str:
    """Returns a layer's name, shortened in the middle if long: the ends are the telling parts."""
    name = one_line(layer.name, _MAX_NAME_LENGTH)
    if len(name) <= _NAME_WIDTH:
        return name
    head = _NAME_WIDTH // 3
    return f"{name[:head]}…{name[1 + head - _NAME_WIDTH :]}"


def one_line(text: str, width: int) -> str:
    """Returns a text as one line of limited width, without control characters."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: width + 1])
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _format_mebibytes(memory: int) -> str:
    return f"{memory / 2**20:,.1f}"


_MAX_HTML_ROWS = 15
_COLOURS = {"NPU": "#2f80ed", "GPU": "#9b51e0", "CPU": "#e8871e"}
_OTHER_COLOUR = "#7d8590"
_FAINT = "opacity:.75"
_CELL = "padding:.15em .9em .15em 0;text-align:left;vertical-align:middle;background:none;border:0"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"


def format_profile_html(profile: ReportedProfile) -> str:
    """Formats a profile as a fragment of HTML."""
    parts = [
        _headline_html(profile),
        _phases_html(profile),
        _units_html(profile),
        _layers_html(profile),
    ]
    parts += [
        f'<div style="{_FAINT};overflow-wrap:anywhere"><b>{escape(title)}</b> {escape(text)}</div>'
        for title, text in format_environment(profile).items()
    ]
    style = "font-size:13px;line-height:1.5;max-width:60em;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _headline_html(profile: ReportedProfile) -> str:
    time, memory = (
        format_milliseconds(profile.inference.time),
        format_peak_memory(profile.inference),
    )
    return (
        f'<div style="font-size:1.35em;margin-bottom:.3em"><b>{escape(time)}</b>'
        f" an inference, <b>{escape(memory)}</b> peak memory</div>"
    )


def _phases_html(profile: ReportedProfile) -> str:
    rows = [
        f'<td style="{_CELL}">{escape(name)}</td>'
        f'<td style="{_NUMBER}">{escape(format_milliseconds(phase.time))}</td>'
        f'<td style="{_NUMBER}">{escape(format_peak_memory(phase))}</td>'
        for name, phase in measured_phases(profile).items()
    ]
    columns = [("phase", _CELL), ("time", _NUMBER), ("peak memory", _NUMBER)]
    return _table_html(columns, rows) if rows else ""


def _units_html(profile: ReportedProfile) -> str:
    texts, more = format_units(profile)
    legend = [
        f'<span style="white-space:nowrap;margin-right:1.2em">{_swatch(unit)}{escape(text)}</span>'
        for unit, text in texts.items()
    ]
    return f'<div style="margin:.4em 0">Layers: {"".join([*legend, *more]) or "none"}</div>'


def _layers_html(profile: ReportedProfile) -> str:
    slowest = profile.slowest(_MAX_HTML_ROWS)
    if not slowest:
        return ""
    most = max(_get_cost(slowest[0]), 1)
    rows = [
        f'<td style="{_CELL};overflow-wrap:anywhere" title="{escape(one_line(layer.name, 500))}">'
        f"{escape(shorten_name(layer))}</td>"
        f'<td style="{_CELL}">{escape(one_line(layer.type, 40))}</td>'
        f'<td style="{_CELL};white-space:nowrap">{_swatch(layer.compute_unit)}'
        f"{escape(one_line(layer.compute_unit, 20))}</td>"
        f'<td style="{_NUMBER}">{escape(format_layer_cost(layer))}</td>'
        f'<td style="{_CELL};width:12em">{_bar(layer, _get_cost(layer) / most)}</td>'
        for layer in slowest
    ]
    titles = [f"slowest {len(slowest)} of {len(profile.layers):,} layers", "type", "unit"]
    measured = "cycles" if slowest[0].execution_time is None else "time"
    columns = [*((title, _CELL) for title in titles), (measured, _NUMBER), ("", _CELL)]
    return _table_html(columns, rows)


def _table_html(columns: list[tuple[str, str]], rows: list[str]) -> str:
    titles = "".join(
        f'<th style="{style};font-weight:normal;{_FAINT}">{escape(title)}</th>'
        for title, style in columns
    )
    rule = "border-bottom:1px solid rgba(128,128,128,.4);background:none"
    body = "".join(f'<tr style="background:none">{row}</tr>' for row in rows)
    style = "border-collapse:collapse;margin:.4em 0;font-size:inherit;color:inherit"
    return (
        f'<table style="{style}"><thead><tr style="{rule}">{titles}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _swatch(unit: str) -> str:
    style = "display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.4em"
    return f'<span style="{style};background:{_get_colour(unit)}"></span>'


def _bar(layer: Layer, share: float) -> str:
    style = "height:.8em;min-width:1px;border-radius:2px"
    return (
        f'<div style="{style};width:{100 * share:.1f}%;'
        f'background:{_get_colour(layer.compute_unit)}"></div>'
    )


def _get_colour(unit: str) -> str:
    return _COLOURS.get(unit, _OTHER_COLOUR)


def _get_cost(layer: Layer) -> int:
    time, cycles = layer.execution_time, layer.execution_cycles
    return time if time is not None else cycles or 0
