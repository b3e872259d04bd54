"""The device catalogue, read from a table that is installed with the package.

The table names the source of the facts for each chip, device and family.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from qai_hub.device_mismatch import LIST_ATTRIBUTES, explain_mismatch
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.errors import ProblemError

# The service's name for each operating system's binary interface (ABI), where it is known.
_ABIS = {
    "android": "aarch64-android",
    "windows": "aarch64-windows",
    "qc_linux": "aarch64-oe-linux-gcc11",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the catalogue, with one version of its operating system.

    Attributes:
        name: Its display name.
        os: Version of its operating system.
        attributes: Its attributes, as `key:value`.
        soc_description: Marketing name of its chip.
        soc: Its chip, as the compiler needs it.
        representative: For a family of devices, the device that a job runs on.
    """

    name: str
    os: str
    attributes: tuple[str, ...]
    soc_description: str
    soc: Soc
    representative: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the device in the contract's JSON form."""
        return {
            "name": self.name,
            "os": self.os,
            "attributes": list(self.attributes),
            "soc_description": self.soc_description,
        }


def load_table() -> Mapping[str, Any]:
    """Return the table: sources, chipsets, devices and families."""
    text = resources.files(__package__).joinpath("data", "devices.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def build_devices(table: Mapping[str, Any]) -> Iterator[Device]:
    """Build the devices of a table.

    Args:
        table: As `read_table` returns it.

    Yields:
        Each device once for each version of its operating system, then each family likewise. A
        family stands for the first of its members that has that version.
    """
    chipsets = {chipset["name"]: chipset for chipset in table["chipsets"]}
    known: dict[str, list[Device]] = {}
    for row in table["devices"]:
        chipset = chipsets[row["chipset"]]
        known[row["name"]] = [_device(row, chipset, os) for os in row["os_versions"]]
        yield from known[row["name"]]
    for family in table["families"]:
        members = [device for name in family["members"] for device in known[name]]
        for os in sorted({device.os for device in members}):
            member = next(device for device in members if device.os == os)
            yield replace(member, name=family["name"], representative=member.name)


def _device(row: Mapping[str, Any], chipset: Mapping[str, Any], os: str) -> Device:
    soc = Soc(
        name=chipset["name"],
        soc_model=chipset["soc_model"],
        hexagon=chipset["hexagon"],
        fp16=chipset["fp16"],
        weight_sharing=chipset["weight_sharing"],
    )
    return Device(
        name=row["name"],
        os=os,
        attributes=tuple(_attributes(row, chipset["aliases"], soc)),
        soc_description=chipset["description"],
        soc=soc,
    )


def _attributes(row: Mapping[str, Any], aliases: list[str], soc: Soc) -> Iterator[str]:
    yield f"vendor:{row['vendor']}"
    yield f"os:{row['os']}"
    if row["os"] in _ABIS:
        yield f"abi:{_ABIS[row['os']]}"
    yield f"format:{row['format']}"
    # Scripts take the first as the chip's name and the others as aliases.
    yield from (f"chipset:{name}" for name in (soc.name, *aliases))
    yield f"hexagon:v{soc.hexagon}"
    yield f"soc-model:{soc.soc_model}"
    yield "framework:onnx"
    if soc.has_htp:
        yield "framework:qnn"
    if row["os"] != "windows":
        yield "framework:tflite"
    if soc.fp16:
        yield "htp-supports-fp16:true"
    if soc.weight_sharing:
        yield "htp-supports-weight-sharing:true"


_INTERVAL = re.compile(r"([\[(])\s*([0-9.]*)\s*,\s*([0-9.]*)\s*([\])])")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """A query for devices: everything given must match.

    Attributes:
        name: Exact name; empty matches all.
        os: Exact version or an interval such as `[14,15)`; empty matches all.
        attributes: Attributes that a device must have, as `key:value`.
    """

    name: str = ""
    os: str = ""
    attributes: Sequence[str] = field(default=())


class DeviceCatalogue:
    """All devices that this hub offers.

    Args:
        devices: The devices, in any order; no two share both name and operating system.
    """

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = tuple(sorted(devices, key=lambda one: (one.name, _parse_version(one.os))))
        self._by_key = {(device.name, device.os): device for device in self._devices}

    @classmethod
    def load(cls) -> "DeviceCatalogue":
        """Read the catalogue that is installed with the package."""
        return cls(build_devices(load_table()))

    def find(self, query: DeviceQuery) -> list[Device]:
        """Find the devices that match.

        Args:
            query: What the devices must match.

        Returns:
            The devices, sorted by name and then by the version of their operating system.

        Raises:
            ProblemError: 400 for a malformed attribute or interval.
        """
        for attribute in query.attributes:
            key, colon, value = attribute.partition(":")
            if not (key and colon and value) or ":" in value:
                raise ProblemError(
                    400,
                    f"The device attribute {attribute!r} is not of the form 'key:value'. "
                    f"{LIST_ATTRIBUTES.for_both()} lists all attributes.",
                )
        wanted, matches_os = set(query.attributes), _os_filter(query.os)
        return [
            device
            for device in self._devices
            if query.name in ("", device.name)
            and matches_os(device.os)
            and wanted <= set(device.attributes)
        ]

    def select(self, query: DeviceQuery) -> Device | None:
        """Return the device that a job is for: the match with the latest operating system.

        Args:
            query: What the device must match.

        Returns:
            The device, a member of the family if the query names a family; None if none matches.

        Raises:
            ProblemError: 400 for a malformed attribute or interval.
        """
        found = self.find(query)
        if not found:
            return None
        latest = max(found, key=lambda device: _parse_version(device.os))
        return self._by_key[latest.representative or latest.name, latest.os]

    def resolve(self, query: DeviceQuery) -> Device:
        """Return the device that a job is for, as `select` does, or raise.

        Args:
            query: What the device must match.

        Returns:
            The device.

        Raises:
            ProblemError: 404 if none matches, with the reason; 400 for a malformed attribute or
                interval.
        """
        device = self.select(query)
        if device is None:
            reason = explain_mismatch(query.name, query.os, query.attributes, self._devices)
            raise ProblemError(404, reason)
        return device

    def get_soc(self, device: Mapping[str, Any] | None) -> Soc | None:
        """Return the chip of the device that a job was submitted for.

        Args:
            device: The device as `Device.to_json` returned it; None for a job without one.

        Returns:
            Its chip; None if the catalogue does not have the device, or no longer has it. For a job
            without a device, the chip that stands for all: the latest whose HTP computes with
            floats as well.
        """
        if device is None:
            chips = [each.soc for each in self._devices if each.soc.has_htp and each.soc.fp16]
            return max(chips, key=lambda soc: (soc.hexagon, soc.soc_model), default=None)
        known = self._by_key.get((device["name"], device["os"]))
        return known.soc if known else None


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
    least, most = (_parse_version(bound) if bound else None for bound in (low, high))

    def within(version: str) -> bool:
        value = _parse_version(version)
        above = least is None or value > least or (opening == "[" and value == least)
        below = most is None or value < most or (closing == "]" and value == most)
        return above and below

    return within


def _parse_version(text: str) -> tuple[int, ...]:
    if not _VERSION.fullmatch(text):
        raise ProblemError(400, f"{text!r} in the os interval is not a version such as '14'.")
    numbers = [int(number) for number in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
