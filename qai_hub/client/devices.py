"""Which device jobs get: asked for when it is first wanted, and remembered for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from qai_hub.client.fetch import select_device
from qai_hub.resources.device import Device, attribute_list

if TYPE_CHECKING:
    from collections.abc import Hashable

    from qai_hub.driver import Driver
    from qai_hub.owner import Owner

__all__ = ["DEVICES", "Choice", "DeviceCache", "choose_anew"]

LIFETIME = 300.0
"""Seconds for which a device is remembered."""

_MOST = 256


class Choice(NamedTuple):
    """The device that a job gets for a query.

    Attributes:
        query: What the user asked for.
        device: The device, as the service describes it.
        is_remembered: Whether the service was asked for it earlier, not now.
    """

    query: Device
    device: Device
    is_remembered: bool


class DeviceCache:
    """Remembers which device the service selects for a query, by server and account.

    Args:
        lifetime: Seconds for which a device is remembered.
        clock: Monotonic clock, in seconds.
    """

    def __init__(
        self, lifetime: float = LIFETIME, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime = lifetime
        self._clock = clock
        self._found: dict[Hashable, tuple[float, Device]] = {}

    async def choose(
        self, driver: Driver, owner: Owner, query: Device, *, anew: bool = False
    ) -> Choice:
        """Finds the device that jobs for a query get.

        Args:
            driver: Carries out the request.
            owner: Who asks.
            query: The query.
            anew: Whether to ask the service although the device is remembered.

        Returns:
            The device, which the caller may change.

        Raises:
            UserError: If no device matches, or the query is not well formed.
        """
        config, attributes = owner.config, attribute_list(query.attributes)
        key = (config.api_url, config.api_token, query.name, query.os, tuple(attributes))
        asked, device = self._found.get(key, (0.0, None))
        remembered = device is not None and not anew and self._clock() - asked < self._lifetime
        if device is None or not remembered:
            device = await select_device(driver, query)
            if len(self._found) >= _MOST:
                self._found.clear()
            self._found[key] = self._clock(), device
        copied = Device(device.name, device.os, list(device.attributes))
        return Choice(query, copied, is_remembered=remembered)

    def clear(self) -> None:
        """Forgets all devices."""
        self._found.clear()


DEVICES = DeviceCache()
"""The devices that this process remembers: clients come and go, and devices stay."""


async def choose_anew(
    driver: Driver, owner: Owner, choices: Sequence[Choice]
) -> list[Choice] | None:
    """Asks for devices again after the service refused a job for them.

    Args:
        driver: Carries out the requests.
        owner: Who asks.
        choices: The devices.

    Returns:
        The devices that jobs get now; None if they are the same, or were asked for just now.

    Raises:
        UserError: If no device matches any more.
    """
    if not any(choice.is_remembered for choice in choices):
        return None
    renewed = [await DEVICES.choose(driver, owner, choice.query, anew=True) for choice in choices]
    same = [one.device for one in renewed] == [one.device for one in choices]
    return None if same else renewed
