"""Profiles as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qai_hub.jobs.profile import Layer, Profile, ProfilePhase

NOT_MEASURED = "-"
_SLOWEST = 5
_UNITS = 6
_NAME_WIDTH = 50
_LONGEST_NAME = 1024
_TEXT_WIDTH = 160


def profile_text(profile: Profile) -> str:
    """A profile as a table of a few lines."""
    measured = measured_phases(profile)
    lines = ["Profile"]
    if measured:
        lines.append(f"  {'phase':<12}{'time':>16}  peak memory")
    lines += [
        f"  {name:<12}{milliseconds(phase.time):>16}  {peak_memory(phase)}"
        for name, phase in measured.items()
    ]
    units, more = unit_texts(profile)
    lines.append(f"  layers: {', '.join([*units.values(), *more]) or 'none'}")
    slowest = profile.slowest(_SLOWEST)
    if slowest:
        lines.append("  slowest layers:")
    lines += [
        f"  {layer_cost(layer):>16}  {one_line(layer.compute_unit, 11):<11}  "
        f"{one_line(layer.type, 20):<20}  {short_name(layer)}".rstrip()
        for layer in slowest
    ]
    lines += [f"  {title}: {text}" for title, text in circumstances(profile).items()]
    return "\n".join(lines)


def measured_phases(profile: Profile) -> dict[str, ProfilePhase]:
    """The phases in which something was measured, by names for people."""
    phases = profile.phases.items()
    return {name.replace("_", " "): phase for name, phase in phases if phase.is_measured}


def circumstances(profile: Profile) -> dict[str, str]:
    """What a profile was taken with, each in one line by its title."""
    found = {}
    if profile.tool_versions:
        tools = (f"{name} {version}" for name, version in profile.tool_versions.items())
        found["Tools"] = one_line(", ".join(tools), _TEXT_WIDTH)
    for name, settings in list(profile.runtime.items())[:_SLOWEST]:
        text = ", ".join(f"{key}: {value}" for key, value in settings.items())
        found[one_line(name, _NAME_WIDTH)] = one_line(text, 2 * _TEXT_WIDTH)
    return found


def unit_texts(profile: Profile) -> tuple[dict[str, str], list[str]]:
    """What ran on each compute unit, such as `12 on NPU (1.204 ms)`.

    Returns:
        The texts by unit, for the first few; and how many more there are, if there are more.
    """
    uses = profile.compute_units
    texts = {}
    for unit, use in list(uses.items())[:_UNITS]:
        time = "" if use.execution_time is None else f" ({milliseconds(use.execution_time)})"
        texts[unit] = f"{use.layers:,} on {one_line(unit, 20)}{time}"
    return texts, [f"{len(uses) - _UNITS:,} more units"] if len(uses) > _UNITS else []


def layer_cost(layer: Layer) -> str:
    """The time of a layer, or else its cycles."""
    if layer.execution_time is not None or layer.execution_cycles is None:
        return milliseconds(layer.execution_time)
    return f"{layer.execution_cycles:,} cycles"


def milliseconds(time: int | None) -> str:
    """A time in microseconds, for people."""
    return NOT_MEASURED if time is None else f"{time / 1000:,.3f} ms"


def peak_memory(phase: ProfilePhase) -> str:
    """Peak memory of a phase, for people."""
    measured = phase.peak_memory_range
    if measured is None:
        return NOT_MEASURED if phase.peak_memory is None else f"{_mebi(phase.peak_memory)} MiB"
    lower, upper = _mebi(measured.lower), _mebi(measured.upper)
    return f"{lower} MiB" if lower == upper else f"{lower} to {upper} MiB"


def short_name(layer: Layer) -> str:
    """The name of a layer without its middle if it is long: the ends tell the most."""
    name = one_line(layer.name, _LONGEST_NAME)
    if len(name) <= _NAME_WIDTH:
        return name
    head = _NAME_WIDTH // 3
    return f"{name[:head]}…{name[1 + head - _NAME_WIDTH :]}"


def one_line(text: str, width: int) -> str:
    """A text that cannot steer a terminal, in one line that is not too long."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: width + 1])
    return line if len(line) <= width else f"{line[: width - 1]}…"


def _mebi(memory: int) -> str:
    return f"{memory / 2**20:,.1f}"
