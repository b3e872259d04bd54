"""Devices that jobs run on, and the runtime frameworks that jobs can request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qai_hub.device_mismatch import LIST_ATTRIBUTES
from qai_hub.display import html
from qai_hub.errors import UserError
from qai_hub.transport.values import value_or_none

if TYPE_CHECKING:
    from qai_hub_api import models as api
    from qai_hub_api.types import Unset


@dataclass
class Device:
    """A device, or a query that selects one: all given criteria must match.

    Attributes:
        name: Name as in `get_devices()`, such as `"Samsung Galaxy S24"`, or of a family of devices,
            such as `"Samsung Galaxy S24 (Family)"`, of which the service picks one. Empty matches
            any.
        os: Version of the operating system (`"14"`), or an interval (`"[14,15)"`); empty matches
            any.
        attributes: One or more attributes, such as `"chipset:qualcomm-snapdragon-8gen3"`.

    Examples:
        >>> device = hub.Device("Samsung Galaxy S24")
        >>> any_of_two_releases = hub.Device(
        ...     os="[13,15)", attributes="chipset:qualcomm-snapdragon-8gen3"
        ... )
    """

    name: str = ""
    os: str = ""
    attributes: str | list[str] = field(default_factory=list)

    @classmethod
    def _from_api(cls, device: api.Device | Unset) -> Device:
        given = value_or_none(device)
        return cls(given.name, given.os, list(given.attributes)) if given else cls()

    def _to_api(self) -> api.DeviceQuery:
        from qai_hub_api.models import DeviceQuery

        return DeviceQuery(name=self.name, os=self.os, attributes=attribute_list(self.attributes))

    def _repr_html_(self) -> str:
        return html.card(
            html.headline("Device", html.code(str(self.name))), html.facts(self._html_facts())
        )

    def _html_row(self) -> dict[str, str]:
        return {"device": html.code(str(self.name)), **self._html_facts()}

    def _html_facts(self) -> dict[str, str]:
        given = [self.attributes] if isinstance(self.attributes, str) else self.attributes
        values: dict[str, list[str]] = {}
        for attribute in given or ():
            key, _, value = str(attribute).partition(":")
            values.setdefault(key, []).append(value)
        # The operating system's kind stands before its version.
        kinds = values.pop("os", [])
        chips = [html.code(f"chipset:{chip}") for chip in values.pop("chipset", [])]
        return {
            "OS": " ".join([*kinds, str(self.os)]).strip(),
            "chipset": html.join(chips, ", "),
            **{key: ", ".join(found) for key, found in values.items()},
        }


@dataclass
class Framework:
    """A runtime framework and its version.

    Attributes:
        name: Name, such as `"onnx"` or `"QAIRT"`.
        api_version: Version to use in options and attributes.
        api_tags: Tags such as `"default"` or `"latest"`.
        full_version: Full version.

    Examples:
        >>> default = [one for one in hub.get_frameworks() if "default" in one.api_tags]
        >>> {"onnx", "onnxruntime"} <= {one.name for one in default}
        True
    """

    name: str = ""
    api_version: str = ""
    api_tags: list[str] = field(default_factory=list)
    full_version: str = ""

    @classmethod
    def _from_api(cls, framework: api.Framework) -> Framework:
        return cls(
            name=framework.name,
            api_version=framework.api_version,
            api_tags=list(framework.api_tags),
            full_version=framework.full_version,
        )

    def _repr_html_(self) -> str:
        title = html.headline("Framework", html.code(str(self.name)))
        return html.card(title, html.facts(self._html_facts()))

    def _html_row(self) -> dict[str, str]:
        return {"framework": html.code(str(self.name)), **self._html_facts()}

    def _html_facts(self) -> dict[str, str]:
        return {
            "version": self.api_version,
            "tags": ", ".join(self.api_tags),
            "full version": self.full_version,
        }


def attribute_list(attributes: str | list[str] | None) -> list[str]:
    """Checks device attributes and returns them as a list.

    Args:
        attributes: One attribute, a list of attributes, or None.

    Returns:
        The attributes.

    Raises:
        UserError: If one of them is not of the form `key:value`.
    """
    given = [attributes] if isinstance(attributes, str) else attributes or []
    if not isinstance(given, list | tuple):
        raise UserError(f"attributes must be a string or a list of strings, not {attributes!r}.")
    for attribute in given:
        key, _, value = str(attribute).partition(":")
        if not isinstance(attribute, str) or not key or not value or ":" in value:
            raise UserError(
                f"{attribute!r} is not a device attribute: write key:value,"
                " such as 'chipset:qualcomm-snapdragon-8gen3'."
                f" {LIST_ATTRIBUTES} lists all attributes."
            )
    return list(given)
