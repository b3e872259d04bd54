"""The entries of datasets on pages, as a worker has read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from markupsafe import Markup

from qai_hub.local.core.inspections import Inspection
from qai_hub.local.pages.charts import binned_histogram, line_chart
from qai_hub.local.pages.text import format_number

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture of a sample.

    Attributes:
        number: The number of the sample, from 0.
        detail: What the worker told of it.
    """

    number: int
    detail: Json

    @property
    def kind(self) -> str:
        """What it is: an `image`, a `map`, a `line`, or `values`."""
        kind: str = self.detail["kind"]
        return kind

    @property
    def line(self) -> Markup:
        """Its values as a line."""
        return line_chart(self.detail["values"], f"Values of sample {self.number}")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a dataset.

    Attributes:
        name: Its name.
        detail: What the worker told of it.
        previews: Small pictures of its first samples.
    """

    name: str
    detail: Json
    previews: Sequence[Preview]

    @classmethod
    def of_all(cls, inspection: Inspection | None) -> list[Self]:
        """Return all entries of a dataset; none if they are not known."""
        if inspection is None or inspection.result is None:
            return []
        return [
            cls(
                each["name"],
                each,
                [Preview(number, detail) for number, detail in enumerate(each["previews"])],
            )
            for each in inspection.result["entries"]
        ]

    @property
    def values(self) -> Json | None:
        """The statistics of its values; None if they are not numbers."""
        values: Json | None = self.detail["values"]
        return values

    @property
    def shape(self) -> str:
        """The shapes of its samples."""
        shapes = [
            " \N{MULTIPLICATION SIGN} ".join(map(str, shape)) or "a number"
            for shape in self.detail["shapes"]
        ]
        return ", ".join(shapes) or "\N{EN DASH}"

    @property
    def histogram(self) -> Markup | None:
        """How often its values occur; None if that is not known."""
        return draw_histogram(self.values, f"Distribution of the values of {self.name}")

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        whole: bool = self.detail["read"] == self.detail["samples"]
        return whole


def draw_histogram(values: Json | None, label: str) -> Markup | None:
    """Draw how often values occur; None if that is not known.

    Args:
        values: Their statistics.
        label: What they are, for people who cannot see the chart.
    """
    counts = values["histogram"] if values else None
    return None if counts is None else binned_histogram(counts, label, format_number)
