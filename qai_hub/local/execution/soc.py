"""What the compiler must know of the chip that a job is for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

# The first Hexagon with a tensor processor, an HTP, which is what QNN compiles for.
HTP_FIRST = 68


@dataclass(frozen=True, slots=True, kw_only=True)
class Soc:
    """The chip of a device.

    Attributes:
        name: Name of the chipset, as in the attribute `chipset:…`.
        soc_model: Number by which the HTP compiler knows it.
        hexagon: Version of its HTP, such as 75.
        fp16: Whether its HTP computes in 16-bit floating point.
        weight_sharing: Whether the graphs of one context binary can share weights on it.
    """

    name: str
    soc_model: int
    hexagon: int
    fp16: bool
    weight_sharing: bool

    @property
    def has_htp(self) -> bool:
        """Whether it has a tensor processor."""
        return self.hexagon >= HTP_FIRST

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        return cls(**value)
