"""What several jobs have in common, and in what they differ, row by row."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from qai_hub.display.text import format_bytes
from qai_hub.local.pages.compared_job import ComparedJob
from qai_hub.local.pages.profile import ProfileView
from qai_hub.local.pages.text import (
    format_duration,
    format_microseconds,
    format_state,
    humanize,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What a job has in a row.

    Attributes:
        text: As people read it; empty if there is nothing.
        value: By which a table is sorted; None if it is no number.
        change: How it differs from that of another job, such as `+12 %`; empty if that is not
            known.
    """

    text: str
    value: float | None = None
    change: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing of all jobs.

    Attributes:
        label: What it is.
        cells: One for each job.
        note: More of what it is.
    """

    label: str
    cells: Sequence[Cell]
    note: str = ""

    @property
    def differs(self) -> bool:
        """Whether the jobs are not alike in it."""
        return len({cell.text for cell in self.cells}) > 1


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together, under a title."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Several jobs beside each other.

    Attributes:
        jobs: The jobs.
        origins: What each profile was measured on; None for a job without one.
        bases: For each job the place of the one that its times and memory differ from: the first
            that was measured on the same, so its own for that.
        sections: What they are, do and measured.
    """

    jobs: Sequence[ComparedJob]
    origins: Sequence[str | None]
    bases: Sequence[int]
    sections: Sequence[Section]

    @classmethod
    def of(cls, jobs: Sequence[ComparedJob]) -> Self:
        """Compare jobs, each with the first that it can be compared with."""
        profiles = [job.profile for job in jobs]
        origins = [None if each is None else _origin(each) for each in profiles]
        bases = _find_bases(origins)
        sections = [
            Section("Job", _job_rows(jobs)),
            Section("Options", _named_rows([job.options for job in jobs])),
            Section("Profile", _profile_rows(profiles, bases)),
            Section("Closeness to the source model", _psnr_rows(jobs)),
            Section("Tools", _named_rows([job.tools for job in jobs])),
        ]
        return cls(
            jobs=jobs,
            origins=origins,
            bases=bases,
            sections=[section for section in sections if section.rows],
        )

    @property
    def groups(self) -> Mapping[str, Sequence[int]]:
        """The places of the jobs that were measured on the same, by what that is."""
        found = defaultdict[str, list[int]](list)
        for at, origin in enumerate(self.origins):
            if origin is not None:
                found[origin].append(at)
        return found


def _find_bases(measured: Sequence[str | None]) -> list[int]:
    """Return for each the place of the first that was measured on the same."""
    return [at if each is None else measured.index(each) for at, each in enumerate(measured)]


def _job_rows(jobs: Sequence[ComparedJob]) -> list[Row]:
    def row(label: str, tell: Callable[[ComparedJob], str]) -> Row:
        return Row(label, [Cell(tell(job)) for job in jobs])

    def seconds(value: float | None) -> str:
        return "" if value is None else format_duration(value)

    rows = [
        row("State", lambda job: format_state(job.facts.state)),
        row("Failure", lambda job: job.facts.failure),
        row("Type", lambda job: humanize(job.facts.type)),
        row("Device", lambda job: f"{job.facts.device} {job.facts.device_os}".strip()),
        row("Chip", lambda job: job.chip),
        row("Source model", lambda job: job.source),
        row("Model format", lambda job: job.facts.target),
        numbers_row("Model size", [job.target_size for job in jobs], format_bytes, [0] * len(jobs)),
        row("Precision", lambda job: job.precision),
        row("Queued for", lambda job: seconds(job.facts.queued_seconds)),
        row("Took", lambda job: seconds(job.facts.running_seconds)),
        row("Submitted by", lambda job: job.facts.owner),
    ]
    return [each for each in rows if any(cell.text for cell in each.cells)]


def _named_rows(values: Sequence[Mapping[str, str]]) -> list[Row]:
    names = dict.fromkeys(name for each in values for name in each)
    return [Row(name, [Cell(each.get(name, "")) for each in values]) for name in names]


def _profile_rows(profiles: Sequence[ProfileView | None], bases: Sequence[int]) -> list[Row]:
    if not any(profiles):
        return []

    def row(
        label: str, tell: Callable[[ProfileView], float | None], show: Callable[[float], str]
    ) -> Row:
        values = [None if each is None else tell(each) for each in profiles]
        return numbers_row(label, values, show, bases)

    known = [profile for profile in profiles if profile is not None]
    units = dict.fromkeys(group.name for profile in known for group in profile.layers.units)
    origins = ["" if profile is None else _origin(profile) for profile in profiles]
    rows = [
        Row("Measured on", [Cell(each) for each in origins]),
        row("Inference", lambda each: each.inference, format_microseconds),
        row("First load", lambda each: each.first_load, format_microseconds),
        row("Later loads", lambda each: each.load, format_microseconds),
        row("Peak memory", lambda each: each.peak_memory, format_bytes),
        *(_unit_row(profiles, unit) for unit in units),
    ]
    return [each for each in rows if any(cell.text for cell in each.cells)]


def _unit_row(profiles: Sequence[ProfileView | None], unit: str) -> Row:
    cells = list[Cell]()
    for profile in profiles:
        groups = () if profile is None else profile.layers.units
        group = next((each for each in groups if each.name == unit), None)
        if group is None:
            cells.append(Cell(""))
            continue
        time = "" if group.share is None else f", {group.share:.0%} of the time".replace("%", " %")
        cells.append(Cell(f"{group.layers} {'layer' if group.layers == 1 else 'layers'}{time}"))
    return Row(f"Layers on {unit}", cells)


def _origin(profile: ProfileView) -> str:
    return "on the device" if profile.is_device else profile.origin


def _psnr_rows(jobs: Sequence[ComparedJob]) -> list[Row]:
    outputs = dict.fromkeys(name for job in jobs for name in job.psnr)
    bases = _find_bases([job.checked_by if job.psnr else None for job in jobs])
    rows = [
        numbers_row(
            name,
            [job.psnr.get(name) for job in jobs],
            lambda value: f"{value:.1f} dB",
            bases,
            difference=lambda value, first: _signed(f"{value - first:+.1f} dB"),
        )
        for name in outputs
    ]
    checked = Row("PSNR by", [Cell(job.checked_by) for job in jobs])
    return [checked, *rows] if rows else []


def _percent(value: float, first: float) -> str:
    if not first:
        return ""
    percent = round(100 * (value - first) / first)
    return _signed(f"{percent:+} %") if percent else "0 %"


def _signed(text: str) -> str:
    """Return a signed number with a minus that is as wide as the plus."""
    return text.replace("-", "\N{MINUS SIGN}")


def numbers_row(
    label: str,
    values: Sequence[float | None],
    show: Callable[[float], str],
    bases: Sequence[int],
    *,
    difference: Callable[[float, float], str] = _percent,
) -> Row:
    """Return a row of numbers, each with its difference from that of another job.

    Args:
        label: What they are.
        values: One for each job; None for one that has none.
        show: Returns a number as people read it.
        bases: For each job the place of the other; its own for none.
        difference: Returns how a number differs from another, as people read it.
    """
    cells = list[Cell]()
    for at, (value, base) in enumerate(zip(values, bases, strict=True)):
        if value is None:
            cells.append(Cell(""))
            continue
        other = None if base == at else values[base]
        cells.append(Cell(show(value), value, "" if other is None else difference(value, other)))
    return Row(label, cells)
