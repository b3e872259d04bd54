"""Choosing devices as blocking submits do."""

from qai_hub.client import Client, Device
from qai_hub.client.fetch import DeviceCache, SelectedDevice
from qai_hub.driver import run_blocking


def choose(cache: DeviceCache, client: Client, query: Device) -> SelectedDevice:
    return run_blocking(cache.select(client._driver, client, query))
