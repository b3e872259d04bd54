"""The layers of a profile, and what they take together."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from qai_hub.local.pages.charts import cell_bar
from qai_hub.local.pages.csv_table import format_csv

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
        share: Its part of the time of the whole model; None if either is not known.
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
        time: Microseconds of all of them together; None if some of that was not measured.
        share: Their part of the time of the whole model; None if either is not known.
    """

    name: str
    layers: int
    time: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class Layers:
    """All layers of a profile.

    Attributes:
        all: Each layer, in the order of their execution.
        units: The layers by compute unit, those that take longest first.
        operators: The layers by type of operator, likewise.
    """

    all: Sequence[Layer]
    units: Sequence[Group]
    operators: Sequence[Group]

    @property
    def all_have_times(self) -> bool:
        """Whether each was measured by itself."""
        return all(layer.time is not None for layer in self.all)


def read_layers(details: Sequence[Json], segments: Sequence[Json]) -> Layers:
    """Read the layers of the contract's `ProfileDetail`.

    Layers that run as a whole, as on the HTP, have no times of their own: the times of compute
    units are then those of the segments that the layers are in.

    Args:
        details: Its layers.
        segments: Its segments.
    """
    times = [each.get("execution_time") for each in details]
    parts = segments if None in times else details
    unit_times = _sum_units(parts)
    total = None if unit_times is None else sum(unit_times.values())
    layers = [
        Layer(
            number,
            each["name"],
            each["layer_type_name"],
            _unit(each),
            time,
            _share(time, total),
        )
        for number, (each, time) in enumerate(zip(details, times, strict=True))
    ]
    by_unit = _group(layers, lambda layer: layer.unit)
    by_operator = _group(layers, lambda layer: layer.operator)
    known = unit_times or {}
    units = {name: (len(members), known.get(name)) for name, members in by_unit.items()}
    operators = {
        name: (len(members), _sum_times([each.time for each in members]))
        for name, members in by_operator.items()
    }
    return Layers(layers, _rank(units, total), _rank(operators, total))


def layers_csv(layers: Sequence[Layer]) -> str:
    """Return layers as CSV. Times are in microseconds."""
    return format_csv(
        ("number", "name", "operator", "compute_unit", "execution_time"),
        [(each.number, each.name, each.operator, each.unit, each.time) for each in layers],
    )


def _unit(detail: Json) -> str:
    unit: str = detail["compute_unit"]
    return unit.removeprefix(_UNIT)


def _sum_units(parts: Sequence[Json]) -> dict[str, float] | None:
    """Return the times of layers or segments by compute unit; None if one has none."""
    found = defaultdict[str, float](float)
    for part in parts:
        time = part.get("execution_time")
        if time is None:
            return None
        found[_unit(part)] += time
    return found


def _sum_times(times: Sequence[float | None]) -> float | None:
    known = [time for time in times if time is not None]
    return sum(known) if len(known) == len(times) else None


def _share(time: float | None, total: float | None) -> float | None:
    return None if time is None or not total else time / total


def _group(layers: Sequence[Layer], key: Callable[[Layer], str]) -> dict[str, list[Layer]]:
    found = defaultdict[str, list[Layer]](list)
    for layer in layers:
        found[key(layer)].append(layer)
    return found


def _rank(groups: Mapping[str, tuple[int, float | None]], total: float | None) -> list[Group]:
    found = [
        Group(name, layers, time, _share(time, total)) for name, (layers, time) in groups.items()
    ]
    return sorted(found, key=lambda group: (-(group.time or 0), -group.layers, group.name))
