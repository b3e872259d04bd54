"""A profile on the page of its job: how fast, measured on what, and where the time goes."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from qai_hub.local.pages.charts import Bar, histogram, share_bar
from qai_hub.local.pages.layers import Group, Layers, read_layers
from qai_hub.local.pages.text import format_microseconds

Json = Mapping[str, Any]

_SIMULATION = "HTP simulation"
_HOST = "host CPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A profile, as a person sees it. Times are in microseconds, sizes in bytes.

    Attributes:
        inference: The time of an inference.
        iterations: The times of all of them, in order.
        first_load: The time of the first load; None if it was not measured.
        load: The time of later loads; None as well.
        peak_memory: The peak of the memory; None as well.
        conditions: How it was measured: names and values.
        layers: The layers.
    """

    inference: float
    iterations: Sequence[float]
    first_load: float | None
    load: float | None
    peak_memory: float | None
    conditions: Sequence[tuple[str, str]]
    layers: Layers

    @classmethod
    def of(cls, detail: Json) -> Self:
        """Read the contract's detail of an inference job."""
        conditions = [
            (each["key"], each["value"])
            for config in detail.get("runtime_config", ())
            if config["name"] == "Measured on"
            for each in config["properties"]
        ]
        return cls(
            inference=detail["execution_time"],
            iterations=detail.get("all_execution_times", ()),
            # What was not measured is 0.
            first_load=detail.get("cold_load_time") or None,
            load=detail.get("warm_load_time") or None,
            peak_memory=detail.get("peak_memory_usage") or None,
            conditions=conditions,
            layers=read_layers(detail.get("layer_details", ()), detail.get("segment_details", ())),
        )

    @property
    def is_simulated(self) -> bool:
        """Whether it was measured in simulation of an HTP."""
        return _SIMULATION in dict(self.conditions)

    @property
    def is_device(self) -> bool:
        """Whether it was measured on a device."""
        return not dict(self.conditions).keys() & {_SIMULATION, _HOST}

    @property
    def origin(self) -> str:
        """What it was measured on, with its preposition; empty for a device."""
        conditions = dict(self.conditions)
        if self.is_simulated:
            return f"in HTP simulation ({conditions[_SIMULATION]}), not on a device"
        if self.is_device:
            return ""
        return f"on the CPU of this hub's host ({conditions[_HOST]}), not on a device"

    @property
    def is_shortest(self) -> bool:
        """Whether the time of an inference is the shortest of several."""
        return len(self.iterations) > 1 and self.inference == min(self.iterations)

    @property
    def median(self) -> float | None:
        """The median of the times of all inferences; None if there are fewer than two."""
        return statistics.median(self.iterations) if len(self.iterations) > 1 else None

    @property
    def iteration_chart(self) -> Markup:
        """How the times of all inferences are distributed."""
        label = f"Distribution of the times of {len(self.iterations)} inferences"
        return histogram(self.iterations, label, format_microseconds)

    @property
    def units_by_layers(self) -> Markup:
        """The compute units, by the number of their layers."""
        return _shares(self.layers.units, "layers", lambda group: group.layers)

    @property
    def units_by_time(self) -> Markup | None:
        """The compute units, by the time of their layers; None if some of that is not known."""
        units = self.layers.units
        if not units or any(unit.share is None for unit in units):
            return None
        return _shares(units, "time", lambda group: group.time or 0.0)


def _shares(groups: Sequence[Group], what: str, value: Callable[[Group], float]) -> Markup:
    total = sum(value(group) for group in groups) or 1
    parts = [
        Bar(
            value(group),
            f"{group.name}: {value(group) / total:.0%} of the {what}",
            group.name.lower(),
        )
        for group in groups
    ]
    return share_bar(parts, f"Compute units by {what}: " + ", ".join(each.label for each in parts))
