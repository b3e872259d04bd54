"""The parts of a profile: phases, layers and compute units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class MemoryRange(NamedTuple):
    """Smallest and largest of several memory measurements, in bytes.

    Attributes:
        lower: Smallest measurement.
        upper: Largest measurement.

    Examples:
        >>> memory = profile.inference.peak_memory_range
        >>> memory.lower <= memory.upper
        True
    """

    lower: int
    upper: int


@dataclass(frozen=True, slots=True)
class ProfilePhase:
    """The measurements of one phase of a profile job; None for values that were not measured.

    Attributes:
        time: Estimated time, in microseconds.
        all_times: All measured times in order, in microseconds.
        peak_memory: Peak memory up to the end of the phase, in bytes.
        peak_memory_range: Peak memory within the phase, over all measurements.
        memory_increase_range: Growth of memory in the phase, over all measurements.

    Examples:
        >>> phase = profile.warm_load
        >>> phase.time > 0, phase.peak_memory > 0
        (True, True)
    """

    time: int | None = None
    all_times: tuple[int, ...] = field(default=(), repr=False)
    peak_memory: int | None = None
    peak_memory_range: MemoryRange | None = None
    memory_increase_range: MemoryRange | None = None

    @property
    def is_measured(self) -> bool:
        """Whether anything was measured."""
        return self != ProfilePhase()


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a profiled model.

    Attributes:
        name: Name of the layer.
        type: Operator type, such as `"Conv"`.
        compute_unit: Where it ran: `"CPU"`, `"GPU"`, `"NPU"` or `"UNSPECIFIED"`; a newer service
            may report others.
        execution_time: Its time per inference, in microseconds; None if not measured.
        execution_cycles: Its cycles per inference; None if not measured.

    Examples:
        >>> layer = profile.layers[0]
        >>> layer.name, layer.type, layer.compute_unit
        ('averaging', 'GlobalAveragePool', 'CPU')
    """

    name: str
    type: str
    compute_unit: str
    execution_time: int | None = None
    execution_cycles: int | None = None


class ComputeUnitUse(NamedTuple):
    """What ran on one compute unit.

    Attributes:
        layers: Number of layers.
        execution_time: Sum of their times in microseconds; None if none was measured.

    Examples:
        >>> profile.compute_units["CPU"].layers
        1
    """

    layers: int
    execution_time: int | None
