"""Devices and frameworks."""

from qai_hub.local.contract import Reply
from qai_hub.local.devices import DeviceQuery, frameworks
from qai_hub.local.work import Work


def list_devices(work: Work) -> Reply:
    """List the devices that match a query; at most one if one is to be selected."""
    params = work.call.params
    query = DeviceQuery(
        params.get("name", ""), params.get("os", ""), tuple(params.get("attributes", ()))
    )
    found = [device.to_json() for device in work.services.devices.find(query)]
    if params.get("select", False):
        found = found[:1]
    return Reply({"devices": found, "total_query_count": len(found)})


def list_frameworks(_: Work) -> Reply:
    """List the runtime frameworks that jobs run with."""
    found = frameworks()
    return Reply({"frameworks": found, "total_query_count": len(found)})
