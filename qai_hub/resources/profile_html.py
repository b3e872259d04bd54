"""Profiles as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import one_line
from qai_hub.resources.profile_report import (
    ReportedProfile,
    format_environment,
    format_layer_cost,
    format_milliseconds,
    format_origin,
    format_peak_memory,
    format_units,
    measured_phases,
)

if TYPE_CHECKING:
    from qai_hub.resources.profile_parts import Layer

_MAX_ROWS = 15
_COLOURS = {"NPU": html.BLUE, "GPU": html.VIOLET, "CPU": html.AMBER}


def format_profile_html(profile: ReportedProfile) -> str:
    """Formats a profile as a fragment of HTML."""
    # Numbers of a simulation look like those of a device: what they are of comes first.
    origin = format_origin(profile)
    inference = profile.inference
    time, memory = format_milliseconds(inference.time), format_peak_memory(inference)
    return html.card(
        html.headline(html.badge(origin, html.AMBER)) if origin else "",
        html.headline(html.bold(time), "an inference,", html.bold(memory), "peak memory"),
        _phases(profile),
        _units(profile),
        _layers(profile),
        html.facts(format_environment(profile)),
    )


def _phases(profile: ReportedProfile) -> html.Markup:
    columns = ["phase", "time", "peak memory"]
    rows = [
        [name, format_milliseconds(phase.time), format_peak_memory(phase)]
        for name, phase in measured_phases(profile).items()
    ]
    return html.table(columns, rows, numbers=columns[1:])


def _units(profile: ReportedProfile) -> html.Markup:
    texts, more = format_units(profile)
    legend = [_mark(unit, text) for unit, text in texts.items()]
    return html.paragraph(html.join(["Layers:", *([*legend, *more] or ["none"])], "  "))


def _layers(profile: ReportedProfile) -> html.Markup:
    slowest = profile.slowest(_MAX_ROWS)
    if not slowest:
        return html.Markup()
    most = max(_get_cost(slowest[0]), 1)
    rows = [
        [
            html.name(layer.name),
            one_line(layer.type, 40),
            _mark(layer.compute_unit, one_line(layer.compute_unit, 20)),
            format_layer_cost(layer),
            html.bar(_get_cost(layer) / most, _get_colour(layer.compute_unit)),
        ]
        for layer in slowest
    ]
    title = f"slowest {len(slowest)} of {len(profile.layers):,} layers"
    measured = "cycles" if slowest[0].execution_time is None else "time"
    columns = [title, "type", "unit", measured, ""]
    return html.table(columns, rows, numbers=[measured], wide=[""])


def _mark(unit: str, text: str) -> html.Markup:
    return html.join([html.swatch(_get_colour(unit)), text])


def _get_colour(unit: str) -> str:
    return _COLOURS.get(unit, html.GREY)


def _get_cost(layer: Layer) -> int:
    time, cycles = layer.execution_time, layer.execution_cycles
    return time if time is not None else cycles or 0
