"""The devices that are known, read from the table that is installed with the package.

The table tells of each chip, device and family where its facts are from.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from qai_hub.local.execution.soc import Soc

# How the service names a system's binary interface, where that is known.
_ABIS = {
    "android": "aarch64-android",
    "windows": "aarch64-windows",
    "qc_linux": "aarch64-oe-linux-gcc11",
}


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the catalogue, with one version of its operating system.

    Attributes:
        name: What people call it.
        os: Version of its operating system.
        attributes: What it is like, as `key:value`.
        soc_description: Marketing name of its chip.
        soc: Its chip, as the compiler must know it.
        stands_for: The device that a job gets in its place, if it is a family of devices.
    """

    name: str
    os: str
    attributes: tuple[str, ...]
    soc_description: str
    soc: Soc
    stands_for: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the device as the contract writes it."""
        return {
            "name": self.name,
            "os": self.os,
            "attributes": list(self.attributes),
            "soc_description": self.soc_description,
        }


def read_table() -> Mapping[str, Any]:
    """Return the table: sources, chipsets, devices and families."""
    text = resources.files(__package__).joinpath("data", "devices.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def known_devices(table: Mapping[str, Any]) -> Iterator[Device]:
    """Make the devices of a table.

    Args:
        table: As `read_table` returns it.

    Yields:
        Each device once for each version of its operating system, then the families so: one
        stands for the first of its members that has that version.
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
            yield replace(member, name=family["name"], stands_for=member.name)


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
    # Scripts take the first as the chip's name, and the others as its aliases.
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
