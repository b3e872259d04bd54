"""Devices and frameworks."""

from qai_hub.local.contract import Reply
from qai_hub.local.devices import DeviceQuery
from qai_hub.local.frameworks import frameworks
from qai_hub.local.work import Work


def list_devices(work: Work) -> Reply:
    """List the devices that match a query; at most one if one is to be selected."""
    params = work.call.params
    query = DeviceQuery(
        params.get("name", ""), params.get("os", ""), tuple(params.get("attributes", ()))
    )
    catalogue = work.services.devices
    if params.get("select", False):
        selected = catalogue.select(query)
        found = [] if selected is None else [selected]
    else:
        found = catalogue.find(query)
    listed = [device.to_json() for device in found]
    return Reply({"devices": listed, "total_query_count": len(listed)})


def list_frameworks(_: Work) -> Reply:
    """List the runtime frameworks that jobs run with."""
    found = frameworks()
    return Reply({"frameworks": found, "total_query_count": len(found)})
