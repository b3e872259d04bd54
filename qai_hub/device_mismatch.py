"""Why no device matches a query, in the words of client and local hub."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from qai_hub.closest import did_you_mean
from qai_hub.next_steps import Step

__all__ = ["LIST_ATTRIBUTES", "DescribedDevice", "explain_mismatch"]

LIST_ATTRIBUTES = Step("get_device_attributes()", "`qai-hub device list --fields attributes`")
"""How to list the attributes of all devices."""

_LIST_DEVICES = Step("get_devices()", "`qai-hub device list`")
_MAX_SHOWN = 200


class DescribedDevice(Protocol):
    """A device, with one version of its operating system."""

    @property
    def name(self) -> str:
        """Display name."""

    @property
    def os(self) -> str:
        """Version of the operating system."""

    @property
    def attributes(self) -> Sequence[str]:
        """Attributes, as `key:value`."""


def explain_mismatch(
    name: str, os: str, attributes: Sequence[str], devices: Iterable[DescribedDevice]
) -> str:
    """Explains why no device matches a query.

    Args:
        name: Name that was asked for; empty for any.
        os: Version or interval of the operating system; empty for any.
        attributes: Attributes that were asked for.
        devices: All devices that there are.

    Returns:
        Sentences that name the criterion to blame, and similar or available values.
    """
    known = list(devices)
    return (
        f"No device matches {_describe(name, os, attributes)}.{_hint(name, os, attributes, known)}"
    )


def _describe(name: str, os: str, attributes: Sequence[str]) -> str:
    parts = [repr(name[:_MAX_SHOWN])] if name else []
    parts += [f"os {os[:_MAX_SHOWN]!r}"] if os else []
    parts += [f"attribute {attribute[:_MAX_SHOWN]!r}" for attribute in attributes]
    return " with ".join(parts) or "any device"


def _hint(name: str, os: str, attributes: Sequence[str], known: list[DescribedDevice]) -> str:
    named = [device for device in known if name in ("", device.name)]
    if not named:
        close = did_you_mean(name, sorted({device.name for device in known}))
        return close or f" {_LIST_DEVICES} lists all devices."
    existing = sorted({attribute for device in known for attribute in device.attributes})
    for attribute in attributes:
        if attribute not in existing:
            close = did_you_mean(attribute, existing)
            culprit = (
                f" No device has {attribute[:_MAX_SHOWN]!r}."
                if name or os or len(attributes) > 1
                else ""
            )
            return f"{culprit}{close or f' {LIST_ATTRIBUTES} lists all attributes.'}"
    for attribute in attributes:
        having = [device for device in named if attribute in device.attributes]
        if not having:
            subject = "It has" if name else "Those that match the rest have"
            return f" {subject} {_values_of_key(attribute, named)}, not {attribute!r}."
        named = having
    if os:
        versions = sorted({device.os for device in named}, key=_by_number)
        return f" Versions of its operating system: {', '.join(map(repr, versions))}."
    return f" {_LIST_DEVICES} lists all devices."


def _values_of_key(attribute: str, devices: list[DescribedDevice]) -> str:
    key = attribute.partition(":")[0] + ":"
    values = sorted({own for device in devices for own in device.attributes if own.startswith(key)})
    return ", ".join(map(repr, values[:5])) or f"no attribute {key!r}"


def _by_number(version: str) -> list[int]:
    return [int(part) if part.isdecimal() else 0 for part in version.split(".")]
