"""What differs between jobs of two locks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qai_hub.display import html
from qai_hub.resources.resource_list import ResourceList

if TYPE_CHECKING:
    from qai_hub.resources.device import Device
    from qai_hub.resources.locked_job import LockedFile, LockedJob

__all__ = ["LockDifference", "compare_all", "compare_jobs"]

T = TypeVar("T")

# What comes by the protobuf wire has 32 bits.
_TOLERANCE = 1e-6
_NOTHING = "-"


@dataclass(frozen=True)
class LockDifference:
    """One thing in which two jobs differ.

    Attributes:
        job: Identifier of the job in the first lock.
        kind: `"job"`, `"input"`, `"setting"` and `"tool"` for what went in; `"outcome"`,
            `"output"` and `"number"` for what came out.
        name: What it is, such as `"target_model"`, or the name of a tool.
        locked: What the first lock has.
        found: What the second one has.

    Examples:
        >>> older, newer = hub.lock_jobs([compile_job]), hub.lock_jobs([compile_job])
        >>> older.compare(newer)
        []
    """

    job: str
    kind: str
    name: str
    locked: str
    found: str

    @property
    def is_result(self) -> bool:
        """Whether it is something that came out."""
        return self.kind in ("outcome", "output", "number")

    def __str__(self) -> str:
        return f"{self.job}: {self.kind} {self.name}: {self.locked} -> {self.found}"

    def _html_row(self) -> dict[str, str]:
        return {
            "job": html.code(self.job),
            "what": html.name(f"{self.kind} {self.name}"),
            "locked": html.name(self.locked),
            "found": html.name(self.found),
        }


def compare_all(first: Sequence[LockedJob], second: Sequence[LockedJob]) -> list[LockDifference]:
    """Returns what differs between the jobs of two locks, which are compared in order."""
    pairs = list(zip(first, second, strict=False))
    paired = {one.id: other.id for one, other in pairs}
    found = [each for one, other in pairs for each in compare_jobs(one, other, paired)]
    found += [
        LockDifference(each.id, "job", each.type, each.name or each.id, _NOTHING)
        for each in first[len(pairs) :]
    ]
    found += [
        LockDifference(each.id, "job", each.type, _NOTHING, each.name or each.id)
        for each in second[len(pairs) :]
    ]
    return ResourceList(found)


def compare_jobs(
    first: LockedJob, second: LockedJob, paired: Mapping[str, str]
) -> Iterator[LockDifference]:
    """Yields what differs between two jobs.

    Args:
        first: The first job.
        second: The second job.
        paired: The job of the second lock for each of the first, by their identifiers.
    """
    for name, (file, other) in _pair(first.inputs, second.inputs):
        if not _is_same_input(file, other, paired):
            yield _differ(first, "input", name, _tell(file), _tell(other))
    for kind, one, two in (
        ("setting", _settings(first), _settings(second)),
        ("tool", first.tools, second.tools),
    ):
        for name, (asked, given) in _pair(one, two):
            if asked != given:
                yield _differ(first, kind, name, asked, given)
    yield from _compare_results(first, second)


def _compare_results(first: LockedJob, second: LockedJob) -> Iterator[LockDifference]:
    for name, (made, remade) in _pair(first.outputs, second.outputs):
        if made is None or remade is None or not made.is_same(remade):
            yield _differ(first, "output", name, _tell(made), _tell(remade))
    for name, (number, measured) in _pair(first.numbers, second.numbers):
        if number is None or measured is None or not _is_close(number, measured):
            yield _differ(first, "number", name, _format(number), _format(measured))


def _differ(
    job: LockedJob, kind: str, name: str, locked: str | None, found: str | None
) -> LockDifference:
    return LockDifference(job.id, kind, name, locked or _NOTHING, found or _NOTHING)


def _is_same_input(
    one: LockedFile | None, other: LockedFile | None, paired: Mapping[str, str]
) -> bool:
    if one is None or other is None:
        return False
    if one.job is None and other.job is None:
        return one.is_same(other)
    return one.job is not None and paired.get(one.job) == other.job


def _is_close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_TOLERANCE)


def _pair(
    one: Mapping[str, T], other: Mapping[str, T]
) -> list[tuple[str, tuple[T | None, T | None]]]:
    names = dict.fromkeys([*one, *other])
    return [(name, (one.get(name), other.get(name))) for name in names]


def _settings(job: LockedJob) -> dict[str, str]:
    return {
        "type": job.type,
        "options": job.options,
        "devices": "; ".join(map(_format_device, job.devices)),
        "input_specs": "; ".join(
            f"{name}: {dtype}{list(shape)}" for name, (shape, dtype) in job.input_specs.items()
        ),
        "weights_dtype": job.weights_dtype,
        "activations_dtype": job.activations_dtype,
        "profiling": "on" if job.profiling else "",
    }


def _format_device(device: Device) -> str:
    attributes = sorted(device.attributes)
    return ", ".join(filter(None, [device.name, device.os, *attributes]))


def _tell(file: LockedFile | None) -> str:
    return "" if file is None else file.describe()


def _format(number: float | None) -> str:
    return "" if number is None else f"{number:g}"
