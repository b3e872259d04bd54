"""The devices that the service selects for queries, cached for a few minutes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from qai_hub.client.fetch import select_device
from qai_hub.errors import InternalError, RateLimitedError
from qai_hub.resources.device import Device, attribute_list

if TYPE_CHECKING:
    from collections.abc import Hashable

    from qai_hub.driver import Driver
    from qai_hub.owner import Owner

__all__ = ["DEVICES", "Choice", "DeviceCache", "choose_anew"]

logger = logging.getLogger(__name__)

LIFETIME = 300.0
"""Seconds for which a device is cached."""

_MOST = 256


class Choice(NamedTuple):
    """The device that the service selects for a query.

    Attributes:
        query: What the user asked for.
        device: The device, as the service describes it.
        is_remembered: Whether the device came from the cache rather than from a request just made.
    """

    query: Device
    device: Device
    is_remembered: bool


class DeviceCache:
    """Caches which device the service selects for a query, by server and account.

    Args:
        lifetime: Seconds for which a device is cached.
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
        """Finds the device that the service selects for a query.

        Args:
            driver: Runs the request.
            owner: The client that asks.
            query: The query.
            anew: Whether to ask the service even if the device is cached.

        Returns:
            The device; a copy, which the caller may modify.

        Raises:
            UserError: If no device matches, or the query is malformed.
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
        """Empties the cache."""
        self._found.clear()


DEVICES = DeviceCache()
"""The cache of this process, shared by its clients because devices outlive them."""


async def choose_anew(
    driver: Driver, owner: Owner, choices: Sequence[Choice]
) -> list[Choice] | None:
    """Asks for cached devices again, after the service refused a job for them.

    Args:
        driver: Runs the requests.
        owner: The client that asks.
        choices: The devices.

    Returns:
        The devices that the service selects now; None if they are the same, did not come from the
        cache, or could not be fetched: then the refusal stands.

    Raises:
        UserError: If no device matches any longer.
    """
    if not any(choice.is_remembered for choice in choices):
        return None
    try:
        renewed = [await DEVICES.choose(driver, owner, one.query, anew=True) for one in choices]
    except (InternalError, RateLimitedError) as error:
        logger.debug("devices were not fetched again after a refusal: %s", error)
        return None
    same = [one.device for one in renewed] == [one.device for one in choices]
    return None if same else renewed
