"""Handlers for devices and frameworks."""

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.offers import read_offered_labels
from qai_hub.local.contract import Reply
from qai_hub.local.devices import DeviceQuery
from qai_hub.local.frameworks import installed_frameworks


def list_devices(context: RequestContext) -> Reply:
    """List the devices that match a query; at most one if `select` is set."""
    params = context.call.params
    query = DeviceQuery(
        params.get("name", ""), params.get("os", ""), tuple(params.get("attributes", ()))
    )
    catalogue = context.services.devices
    if params.get("select", False):
        selected = catalogue.select(query)
        found = [] if selected is None else [selected]
    else:
        found = catalogue.find(query)
    listed = [device.to_json() for device in found]
    return Reply({"devices": listed, "total_query_count": len(listed)})


def list_frameworks(context: RequestContext) -> Reply:
    """List the runtime frameworks that jobs run with."""
    # Jobs may run on the machines of other processes, which have engines of their own.
    found = installed_frameworks(read_offered_labels(context))
    return Reply({"frameworks": found, "total_query_count": len(found)})
