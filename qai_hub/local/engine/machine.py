"""The conditions of a job on this machine: tools, memory, and measured times."""

import importlib
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
import onnx
import onnxruntime

from qai_hub._version import __version__
from qai_hub.local.engine.failures import FailureType, JobFailure, resource_failure_from_error


def tool_versions() -> list[dict[str, str]]:
    """Return the tools that jobs are run with, as the JSON of `ToolVersion` messages."""
    versions = {
        "ONNX Runtime": onnxruntime.__version__,
        "ONNX": onnx.__version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "qai-hub-openapi": __version__,
    }
    return [{"name": name, "version": version} for name, version in versions.items()]


def runtime_config(conditions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return where and how a profile was measured, as the JSON of `RuntimeConfig` messages.

    Args:
        conditions: Conditions specific to the runtime that ran the model.
    """
    properties = {
        "host CPU": _cpu_name(),
        "times": "wall clock of this machine, not of a device",
        **conditions,
        "memory": "resident set of the whole worker process",
        "logical CPUs": str(os.cpu_count()),
        "architecture": platform.machine(),
        "operating system": f"{platform.system()} {platform.release()}",
    }
    listed = [{"key": key, "value": value} for key, value in properties.items()]
    return [{"name": "Measured on", "properties": listed}]


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


STATUS_FILE = Path("/proc/self/status")
CLEAR_REFS_FILE = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in bytes: the current value, and the peak since it was last reset."""

    current: int
    peak: int


def read_memory() -> Memory | None:
    """Return the resident memory of this process; None if the system does not report it."""
    try:
        lines = STATUS_FILE.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "VmHWM:")))
    if len(fields) < 2:
        return None
    current, peak = (int(fields[key].split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))
    return Memory(current, peak)


class MemoryRecorder:
    """Measures the memory of consecutive phases of work.

    Without a way to reset the peak, the peaks of phases cannot be distinguished, so nothing is
    measured on such systems.

    Attributes:
        is_supported: Whether memory is measured.
        fields: The fields of `ProfileDetail` for the phases so far, in bytes; 0 and without the
            ranges if nothing is measured.
    """

    def __init__(self) -> None:
        self.is_supported = True
        self.fields: dict[str, Any] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure the body of a `with` statement.

        Args:
            name: Name of the phase in the fields of `ProfileDetail`, such as "cold_load".
        """
        before = read_memory()
        self._reset_peak()
        yield
        after = read_memory()
        if not self.is_supported or before is None or after is None:
            self.is_supported = False
            self.skip(name)
            return
        kept, growth = (max(0, value - before.current) for value in (after.current, after.peak))
        self._record(name, before, after)
        self.fields[f"{name}_memory"] = {
            "increase": {"lower": kept, "upper": growth},
            "peak": {"lower": after.peak, "upper": after.peak},
        }

    def skip(self, name: str) -> None:
        """Record that a phase does not take place, or is not measured.

        Args:
            name: Name of the phase.
        """
        self._record(name, Memory(0, 0), Memory(0, 0))

    def _reset_peak(self) -> None:
        try:
            CLEAR_REFS_FILE.write_text(_RESET_PEAK)
        except OSError:
            self.is_supported = False

    def _record(self, name: str, before: Memory, after: Memory) -> None:
        self.fields |= {
            f"before_{name}_current_memory": before.current,
            f"before_{name}_peak_memory": before.peak,
            f"after_{name}_current_memory": after.current,
            f"after_{name}_peak_memory": after.peak,
        }


_T = TypeVar("_T")
Clock = Callable[[], int]


def time_calls(
    action: Callable[[], _T],
    max_calls: int,
    max_seconds: float,
    clock: Clock = time.perf_counter_ns,
) -> tuple[list[int], _T]:
    """Time an action, once or more.

    The result of a call is released before the next call, outside of the measured time.

    Args:
        action: What to time.
        max_calls: Maximum number of calls.
        max_seconds: Time in seconds after which no further call begins.
        clock: Clock in nanoseconds.

    Returns:
        The time of each call in microseconds, at least 1, and the result of the last one.
    """
    times = []
    start = clock()
    while True:
        before = clock()
        result = action()
        times.append(max(1, round((clock() - before) / 1000)))
        if len(times) >= max_calls or clock() - start >= max_seconds * 1e9:
            return times, result
        del result


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module that an extra installs.

    Args:
        module: Its name.
        extra: The extra.
        purpose: The models that it reads.

    Raises:
        JobFailure: It is not installed or cannot be loaded.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if resource_failure_from_error(error):
            raise
        reason = (
            f"This hub cannot read {purpose}, as a package is missing ({error}): run pip install "
            f"'qai-hub-openapi[{extra}]' where the hub runs, and restart the hub."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason, lacks=extra) from None
