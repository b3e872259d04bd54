"""A profile on the page of its job: how fast, measured on what, and where the time goes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from qai_hub.local.pages.charts import Bar, cell_bar, column_chart, histogram, share_bar
from qai_hub.local.pages.csv_table import format_csv
from qai_hub.local.pages.text import format_microseconds

Json = Mapping[str, Any]

_UNIT = "COMPUTE_UNIT_"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of the model, as it was executed.

    Attributes:
        number: Its place, from 0.
        name: Its name.
        operator: Its type of operator.
        unit: The compute unit, such as `NPU`.
        time: Microseconds; None if it was not measured by itself.
        share: Its part of the time of all layers; None as well.
    """

    number: int
    name: str
    operator: str
    unit: str
    time: float | None
    share: float | None

    @property
    def bar(self) -> Markup:
        """Its share as a bar."""
        return cell_bar(self.share or 0.0, self.kind)

    @property
    def kind(self) -> str:
        """The class that colours it."""
        return self.unit.lower()


@dataclass(frozen=True, slots=True)
class Group:
    """Layers of one kind.

    Attributes:
        name: What they have in common.
        layers: How many they are.
        time: Microseconds of all of them; None if none was measured by itself.
        share: Their part of the time of all layers; None as well.
    """

    name: str
    layers: int
    time: float | None
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """A profile, as a person sees it. Times are in microseconds, sizes in bytes.

    Attributes:
        inference: The time of an inference.
        iterations: The times of all of them, in order.
        first_load: The time of the first load; None if it was not measured.
        load: The time of later loads; None as well.
        peak_memory: The peak of the memory; None as well.
        origin: What it was measured on, in a few words with their preposition; empty for a device.
        is_device: Whether that is a device.
        conditions: How it was measured: names and values.
        layers: The layers.
        units: The layers by compute unit.
        operators: The layers by type of operator.
    """

    inference: float
    iterations: Sequence[float]
    first_load: float | None
    load: float | None
    peak_memory: float | None
    origin: str
    is_device: bool
    conditions: Sequence[tuple[str, str]]
    layers: Sequence[Layer]
    units: Sequence[Group]
    operators: Sequence[Group]

    @classmethod
    def of(cls, detail: Json) -> Self:
        """Read the contract's detail of an inference job."""
        layers = _read_layers(detail.get("layer_details", ()))
        conditions = [
            (each["key"], each["value"])
            for config in detail.get("runtime_config", ())
            if config["name"] == "Measured on"
            for each in config["properties"]
        ]
        origin, is_device = _origin(dict(conditions))
        return cls(
            inference=detail["execution_time"],
            iterations=detail.get("all_execution_times", ()),
            first_load=detail.get("cold_load_time"),
            load=detail.get("warm_load_time"),
            peak_memory=detail.get("peak_memory_usage"),
            origin=origin,
            is_device=is_device,
            conditions=conditions,
            layers=layers,
            units=_group(layers, lambda layer: layer.unit),
            operators=_group(layers, lambda layer: layer.operator),
        )

    @property
    def has_times(self) -> bool:
        """Whether layers were measured by themselves."""
        return any(layer.time is not None for layer in self.layers)

    @property
    def layer_chart(self) -> Markup:
        """The time of each layer, in the order of their execution."""
        bars = [
            Bar(
                layer.time or 0.0,
                f"{layer.name} ({layer.operator}): {format_microseconds(layer.time or 0.0)}",
                layer.kind,
                f"layer-{layer.number}",
            )
            for layer in self.layers
        ]
        return column_chart(bars, f"Times of {len(bars)} layers, in the order of their execution")

    @property
    def iteration_chart(self) -> Markup:
        """How the times of all inferences are distributed."""
        label = f"Distribution of the times of {len(self.iterations)} inferences"
        return histogram(self.iterations, label, format_microseconds)

    @property
    def units_by_layers(self) -> Markup:
        """The compute units, by the number of their layers."""
        return _shares(self.units, "layers", lambda group: group.layers)

    @property
    def units_by_time(self) -> Markup:
        """The compute units, by the time of their layers."""
        return _shares(self.units, "time", lambda group: group.time or 0.0)


def profile_csv(profile: ProfileView) -> str:
    """Return the layers of a profile as CSV. Times are in microseconds."""
    return format_csv(
        ("number", "name", "operator", "compute_unit", "execution_time"),
        [
            (layer.number, layer.name, layer.operator, layer.unit, layer.time)
            for layer in profile.layers
        ],
    )


def _read_layers(details: Sequence[Json]) -> list[Layer]:
    total = sum(each.get("execution_time") or 0 for each in details)
    found = list[Layer]()
    for number, each in enumerate(details):
        time = each.get("execution_time")
        share = None if time is None or not total else time / total
        unit = each["compute_unit"].removeprefix(_UNIT)
        found.append(Layer(number, each["name"], each["layer_type_name"], unit, time, share))
    return found


def _group(layers: Sequence[Layer], key: Any) -> list[Group]:  # noqa: ANN401 - a function of a layer
    by_key = defaultdict[str, list[Layer]](list)
    for layer in layers:
        by_key[key(layer)].append(layer)
    groups = list[Group]()
    for name, members in by_key.items():
        times = [layer.time for layer in members if layer.time is not None]
        shares = [layer.share for layer in members if layer.share is not None]
        groups.append(
            Group(
                name, len(members), sum(times) if times else None, sum(shares) if shares else None
            )
        )
    return sorted(groups, key=lambda group: (-(group.time or 0), -group.layers, group.name))


def _shares(groups: Sequence[Group], what: str, value: Any) -> Markup:  # noqa: ANN401 - a function of a group
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


def _origin(conditions: Mapping[str, str]) -> tuple[str, bool]:
    """Return what a profile was measured on, and whether that is a device."""
    if "HTP simulation" in conditions:
        return f"in HTP simulation ({conditions['HTP simulation']}), not on a device", False
    if "host CPU" in conditions:
        return f"on the CPU of this hub's host ({conditions['host CPU']}), not on a device", False
    return "", True
