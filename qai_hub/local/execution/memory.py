"""Memory of this process, measured by the Linux kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes: now, and at most since the peak was last reset."""

    current: int
    peak: int


def memory_now() -> Memory | None:
    """Return the resident memory of this process; None where the system does not tell."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    if len(fields) < 2:
        return None
    current, peak = (int(fields[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))
    return Memory(current, peak)


class MemoryPhases:
    """Measures phases of work that follow one another.

    A system that does not let the peak be reset does not tell the peaks of phases apart: there
    nothing is measured.

    Attributes:
        measured: Whether memory is measured.
        fields: The fields of `ProfileDetail` about the phases so far, in bytes; 0 where nothing
            is measured, and then without the ranges.
    """

    def __init__(self) -> None:
        self.measured = True
        self.fields: dict[str, Any] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens within a `with` statement.

        Args:
            name: Name of the phase within the fields of `ProfileDetail`, such as "cold_load".
        """
        before = memory_now()
        self._reset_peak()
        yield
        after = memory_now()
        if not self.measured or before is None or after is None:
            self.measured = False
            self.leave_out(name)
            return
        kept, growth = (max(0, value - before.current) for value in (after.current, after.peak))
        self._state(name, before, after)
        self.fields[f"{name}_memory"] = {
            "increase": {"lower": kept, "upper": growth},
            "peak": {"lower": after.peak, "upper": after.peak},
        }

    def leave_out(self, name: str) -> None:
        """State that a phase does not take place, or is not measured.

        Args:
            name: Name of the phase.
        """
        self._state(name, Memory(0, 0), Memory(0, 0))

    def _reset_peak(self) -> None:
        try:
            CLEAR_REFS.write_text(_RESET_PEAK)
        except OSError:
            self.measured = False

    def _state(self, name: str, before: Memory, after: Memory) -> None:
        self.fields |= {
            f"before_{name}_current_memory": before.current,
            f"before_{name}_peak_memory": before.peak,
            f"after_{name}_current_memory": after.current,
            f"after_{name}_peak_memory": after.peak,
        }
