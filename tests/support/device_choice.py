"""Choosing devices as blocking submits do."""

from qai_hub.client import Client, Device
from qai_hub.client.devices import Choice, DeviceCache
from qai_hub.coroutines import run_blocking


def choose(cache: DeviceCache, client: Client, query: Device) -> Choice:
    return run_blocking(cache.choose(client._driver, client, query))
