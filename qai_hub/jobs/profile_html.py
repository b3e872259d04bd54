"""Profiles as HTML for notebooks: no script, no style sheet, legible on dark and on light."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qai_hub.jobs.profile_text import (
    circumstances,
    layer_cost,
    measured_phases,
    milliseconds,
    one_line,
    peak_memory,
    short_name,
    unit_texts,
)

if TYPE_CHECKING:
    from qai_hub.jobs.profile import Layer, Profile

_ROWS = 15
_COLOURS = {"NPU": "#2f80ed", "GPU": "#9b51e0", "CPU": "#e8871e"}
_OTHER_COLOUR = "#7d8590"
_FAINT = "opacity:.75"
_CELL = "padding:.15em .9em .15em 0;text-align:left;vertical-align:middle;background:none;border:0"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums"


def profile_html(profile: Profile) -> str:
    """A profile as a fragment of HTML."""
    parts = [_headline(profile), _phases(profile), _units(profile), _layers(profile)]
    parts += [
        f'<div style="{_FAINT};overflow-wrap:anywhere"><b>{escape(title)}</b> {escape(text)}</div>'
        for title, text in circumstances(profile).items()
    ]
    style = "font-size:13px;line-height:1.5;max-width:60em;color:inherit"
    return f'<div style="{style}">{"".join(parts)}</div>'


def _headline(profile: Profile) -> str:
    time, memory = milliseconds(profile.inference.time), peak_memory(profile.inference)
    return (
        f'<div style="font-size:1.35em;margin-bottom:.3em"><b>{escape(time)}</b>'
        f" an inference, <b>{escape(memory)}</b> peak memory</div>"
    )


def _phases(profile: Profile) -> str:
    rows = [
        f'<td style="{_CELL}">{escape(name)}</td>'
        f'<td style="{_NUMBER}">{escape(milliseconds(phase.time))}</td>'
        f'<td style="{_NUMBER}">{escape(peak_memory(phase))}</td>'
        for name, phase in measured_phases(profile).items()
    ]
    columns = [("phase", _CELL), ("time", _NUMBER), ("peak memory", _NUMBER)]
    return _table(columns, rows) if rows else ""


def _units(profile: Profile) -> str:
    texts, more = unit_texts(profile)
    legend = [
        f'<span style="white-space:nowrap;margin-right:1.2em">{_swatch(unit)}{escape(text)}</span>'
        for unit, text in texts.items()
    ]
    return f'<div style="margin:.4em 0">Layers: {"".join([*legend, *more]) or "none"}</div>'


def _layers(profile: Profile) -> str:
    slowest = profile.slowest(_ROWS)
    if not slowest:
        return ""
    most = max(_cost(slowest[0]), 1)
    rows = [
        f'<td style="{_CELL};overflow-wrap:anywhere" title="{escape(one_line(layer.name, 500))}">'
        f"{escape(short_name(layer))}</td>"
        f'<td style="{_CELL}">{escape(one_line(layer.type, 40))}</td>'
        f'<td style="{_CELL};white-space:nowrap">{_swatch(layer.compute_unit)}'
        f"{escape(one_line(layer.compute_unit, 20))}</td>"
        f'<td style="{_NUMBER}">{escape(layer_cost(layer))}</td>'
        f'<td style="{_CELL};width:12em">{_bar(layer, _cost(layer) / most)}</td>'
        for layer in slowest
    ]
    titles = [f"slowest {len(slowest)} of {len(profile.layers):,} layers", "type", "unit"]
    measured = "cycles" if slowest[0].execution_time is None else "time"
    columns = [*((title, _CELL) for title in titles), (measured, _NUMBER), ("", _CELL)]
    return _table(columns, rows)


def _table(columns: list[tuple[str, str]], rows: list[str]) -> str:
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
    return f'<span style="{style};background:{_colour(unit)}"></span>'


def _bar(layer: Layer, share: float) -> str:
    style = "height:.8em;min-width:1px;border-radius:2px"
    return (
        f'<div style="{style};width:{100 * share:.1f}%;background:{_colour(layer.compute_unit)}">'
        "</div>"
    )


def _colour(unit: str) -> str:
    return _COLOURS.get(unit, _OTHER_COLOUR)


def _cost(layer: Layer) -> int:
    time, cycles = layer.execution_time, layer.execution_cycles
    return time if time is not None else cycles or 0
