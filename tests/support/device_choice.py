"""Choosing devices as blocking submits do."""

from qai_hub.client import Client, Device
from qai_hub.client.fetch import Choice, DeviceCache
from qai_hub.driver import run_blocking


def choose(cache: DeviceCache, client: Client, query: Device) -> Choice:
    return run_blocking(cache.choose(client._driver, client, query))
