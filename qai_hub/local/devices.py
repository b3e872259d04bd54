"""The devices that jobs can name, and how a query selects among them."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import metadata, resources
from typing import Any

from qai_hub.local.problems import ProblemError

_FRAMEWORKS = ("onnx", "qnn", "tflite")
_INTERVAL = re.compile(r"([\[(])\s*([0-9.]*)\s*,\s*([0-9.]*)\s*([\])])")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the catalogue.

    Attributes:
        name: What people call it.
        os: Version of its operating system.
        attributes: What it is like, as `key:value`.
        soc_description: Marketing name of its chip.
        soc_model: Number by which the HTP compiler knows its chip.
        hexagon: Version of its HTP.
    """

    name: str
    os: str
    attributes: tuple[str, ...]
    soc_description: str
    soc_model: int
    hexagon: int

    def to_json(self) -> dict[str, Any]:
        """Return the device as the contract writes it."""
        return {
            "name": self.name,
            "os": self.os,
            "attributes": list(self.attributes),
            "soc_description": self.soc_description,
        }


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """Selects devices: all that is given must match.

    Attributes:
        name: Exact name; empty matches all.
        os: Exact version or an interval such as `[14,15)`; empty matches all.
        attributes: Attributes that a device must have, as `key:value`.
    """

    name: str = ""
    os: str = ""
    attributes: Sequence[str] = field(default=())

    def __str__(self) -> str:
        parts = [repr(self.name)] if self.name else []
        parts += [f"os {self.os!r}"] if self.os else []
        parts += [f"attribute {attribute!r}" for attribute in self.attributes]
        return " with ".join(parts) or "any device"


class DeviceCatalogue:
    """All devices that this hub knows.

    Args:
        devices: The devices, in the order in which they are listed.
    """

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = tuple(devices)

    @classmethod
    def load(cls) -> "DeviceCatalogue":
        """Read the catalogue that is installed with the package."""
        text = resources.files(__package__).joinpath("data", "devices.json").read_text("utf-8")
        table = json.loads(text)
        chipsets = {chipset["name"]: chipset for chipset in table["chipsets"]}
        return cls(_device(row, chipsets[row["chipset"]]) for row in table["devices"])

    def find(self, query: DeviceQuery) -> list[Device]:
        """Find the devices that match.

        Args:
            query: What they must have.

        Returns:
            The devices, in the order of the catalogue.

        Raises:
            ProblemError: 400 for an attribute or an interval that is not well formed.
        """
        for attribute in query.attributes:
            key, colon, value = attribute.partition(":")
            if not (key and colon and value) or ":" in value:
                raise ProblemError(
                    400, f"The device attribute {attribute!r} is not of the form 'key:value'."
                )
        wanted, matches_os = set(query.attributes), _os_filter(query.os)
        return [
            device
            for device in self._devices
            if query.name in ("", device.name)
            and matches_os(device.os)
            and wanted <= set(device.attributes)
        ]

    def resolve(self, query: DeviceQuery) -> Device:
        """Select the device that a job is for: the first that matches.

        Args:
            query: What it must have.

        Returns:
            The device.

        Raises:
            ProblemError: 404 if none matches, with names that are close to the one asked for; 400
                for an attribute or an interval that is not well formed.
        """
        found = self.find(query)
        if found:
            return found[0]
        raise ProblemError(404, f"No device matches {query}.{self._hint(query)}")

    def _hint(self, query: DeviceQuery) -> str:
        names = {device.name.lower(): device.name for device in self._devices}
        close = get_close_matches(query.name.lower(), names, n=3)
        if query.name and query.name not in names.values():
            known = ", ".join(repr(names[name]) for name in close)
            return f" Did you mean {known}?" if known else " GET /api/v1/devices/ lists them all."
        attributes = sorted({a for device in self._devices for a in device.attributes})
        for attribute in set(query.attributes).difference(attributes):
            if near := get_close_matches(attribute, attributes, n=3):
                return f" Did you mean {', '.join(map(repr, near))}?"
        return " GET /api/v1/devices/ lists them all."


def frameworks() -> list[dict[str, Any]]:
    """List the runtime frameworks that this hub runs jobs with.

    Returns:
        Frameworks as the contract writes them, from what is installed; nothing is imported.
    """
    listed = []
    for name, distribution in (("onnx", "onnx"), ("onnxruntime", "onnxruntime")):
        try:
            version = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        listed.append(
            {
                "name": name,
                "api_version": ".".join(version.split(".")[:2]),
                "api_tags": ["default", "latest"],
                "full_version": version,
            }
        )
    return listed


def _device(row: dict[str, Any], chipset: dict[str, Any]) -> Device:
    attributes = [
        f"vendor:{row['vendor']}",
        f"os:{row['os']}",
        f"format:{row['format']}",
        *(f"chipset:{name}" for name in (chipset["name"], *chipset["aliases"])),
        f"hexagon:v{chipset['hexagon']}",
        f"soc-model:{chipset['soc_model']}",
        *(f"framework:{name}" for name in _FRAMEWORKS),
    ]
    if chipset["fp16"]:
        attributes.append("htp-supports-fp16:true")
    return Device(
        name=row["name"],
        os=row["os_version"],
        attributes=tuple(attributes),
        soc_description=chipset["description"],
        soc_model=chipset["soc_model"],
        hexagon=chipset["hexagon"],
    )


def _os_filter(text: str) -> Callable[[str], bool]:
    if not text:
        return lambda _: True
    if text[0] not in "[(":
        return lambda version: version == text
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise ProblemError(
            400, f"The os interval {text!r} is not of a form such as '[14,15)' or '[14,)'."
        )
    opening, low, high, closing = match.groups()
    least, most = _version(low), _version(high)

    def within(version: str) -> bool:
        value = _version(version)
        above = not least or value > least or (opening == "[" and value == least)
        below = not most or value < most or (closing == "]" and value == most)
        return above and below

    return within


def _version(text: str) -> tuple[int, ...]:
    if text and not _VERSION.fullmatch(text):
        raise ProblemError(400, f"{text!r} in the os interval is not a version such as '14'.")
    numbers = [int(number) for number in text.split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
