"""The client's methods on devices and frameworks."""

from __future__ import annotations

from qai_hub.devices import Device, Framework, attribute_list
from qai_hub.errors import UserError
from qai_hub.transport.values import listed
from qai_hub.verbs.base import Verbs


class DeviceVerbs(Verbs):
    """Methods on devices and frameworks."""

    def get_devices(
        self, name: str = "", os: str = "", attributes: str | list[str] | None = None
    ) -> list[Device]:
        """Lists devices that match all of what is given.

        Args:
            name: Exact name, such as `"Samsung Galaxy S24"`; empty matches all.
            os: Version of the operating system (`"14"`), or an interval (`"[14,15)"`); empty
                matches all.
            attributes: One attribute or several, such as `"chipset:qualcomm-snapdragon-8gen3"`.

        Returns:
            The devices, ordered by name and operating system.

        Raises:
            UserError: If an attribute is not of the form `key:value`.

        Examples:
            >>> for device in hub.get_devices(attributes="chipset:qualcomm-snapdragon-8gen3"):
            ...     print(device.name)
            Samsung Galaxy S24
            Samsung Galaxy S24 (Family)
            Samsung Galaxy S24 Ultra
            Samsung Galaxy S24+
            Snapdragon 8 Gen 3 QRD
        """
        from qai_hub_api.api.devices import list_devices

        answer = self._transport.call(
            list_devices.sync, name=name, os=os, attributes=attribute_list(attributes), select=False
        )
        devices = listed(answer.devices, "a list of devices")
        return [Device._from_api(device) for device in devices if device.name]

    def _selected(self, devices: list[Device]) -> list[Device]:
        """The devices that jobs will get, one for each query.

        Raises:
            UserError: If none matches a query, or it is not well formed.
        """
        return [self._select(device) for device in devices]

    def _select(self, query: Device) -> Device:
        from qai_hub_api.api.devices import list_devices

        answer = self._transport.call(
            list_devices.sync,
            name=query.name,
            os=query.os,
            attributes=attribute_list(query.attributes),
            select=True,
        )
        found = [one for one in listed(answer.devices, "a list of devices") if one.name]
        if not found:
            raise UserError(f"No device matches {query}: get_devices() lists those that exist.")
        return Device._from_api(found[0])

    def get_device_attributes(self) -> list[str]:
        """Lists the attributes that devices have.

        Returns:
            The attributes in alphabetical order, each once.

        Examples:
            >>> [text for text in hub.get_device_attributes() if text.startswith("os:")]
            ['os:android', 'os:qc_linux', 'os:ubuntu', 'os:windows']
        """
        found = (device.attributes for device in self.get_devices())
        return sorted({attribute for attributes in found for attribute in attributes})

    def get_frameworks(self) -> list[Framework]:
        """Lists the runtime frameworks that jobs can ask for.

        Returns:
            The frameworks.

        Examples:
            >>> versions = {one.name: one.full_version for one in hub.get_frameworks()}
            >>> "onnxruntime" in versions
            True
        """
        from qai_hub_api.api.devices import list_frameworks

        answer = self._transport.call(list_frameworks.sync)
        frameworks = listed(answer.frameworks, "a list of frameworks")
        return [Framework._from_api(framework) for framework in frameworks if framework.name]
