"""Handlers for devices, frameworks, users, sharing and the health check."""

import asyncio
from collections.abc import Iterable

from anyio.to_thread import run_sync
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from qai_hub.local.api.context import RequestContext, Services
from qai_hub.local.api.lists import updated_response
from qai_hub.local.api.serialize import own_user_json
from qai_hub.local.contract import Call, Reply
from qai_hub.local.core.access import ResourceKind
from qai_hub.local.devices import DeviceQuery
from qai_hub.local.errors import ProblemError
from qai_hub.local.frameworks import installed_frameworks
from qai_hub.local.store.people import get_shared_emails, normalize_email, share, unshare
from qai_hub.local.store.records import Owned


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


def list_frameworks(_: RequestContext) -> Reply:
    """List the runtime frameworks that jobs run with."""
    found = installed_frameworks()
    return Reply({"frameworks": found, "total_query_count": len(found)})


async def log_in(services: Services, call: Call) -> Reply:
    """Exchange a password for a token. On a local hub, the password is the token."""
    email, password = call.body["email"], call.body["password"]
    user = services.accounts.authenticate(password)
    if user is None or user != services.accounts.find_by_email(email):
        raise ProblemError(
            400,
            "E-mail address or password is wrong. On a local hub, the password is the token.",
        )
    return Reply({"key": password})


def get_user(context: RequestContext) -> Reply:
    """Return the user that the token belongs to."""
    return Reply(own_user_json(context.viewer))


def get_sharing(kind: ResourceKind[Owned], context: RequestContext) -> Reply:
    """Return the users that a resource is shared with."""
    resource = kind.get_visible(context.db, context.viewer, _resource_id(kind, context))
    return Reply({"email": get_shared_emails(context.db, resource.id)})


def update_sharing(kind: ResourceKind[Owned], context: RequestContext) -> Reply:
    """Share a resource with users, then stop sharing it with others.

    Adding a user who is present, removing one who is not, and adding the owner change nothing.
    """
    resource = kind.get_editable(context.db, context.viewer, _resource_id(kind, context))
    added = _normalize_emails(context.call.body.get("add_email", ()))
    removed = _normalize_emails(context.call.body.get("remove_email", ()))
    share(context.db, resource.id, [email for email in added if email != context.viewer.email])
    unshare(context.db, resource.id, removed)
    return updated_response(resource.id, resource.created)


def delete_sharing(kind: ResourceKind[Owned], context: RequestContext) -> Reply:
    """Stop sharing a resource with anybody."""
    resource = kind.get_editable(context.db, context.viewer, _resource_id(kind, context))
    unshare(context.db, resource.id)
    return updated_response(resource.id, resource.created)


def _resource_id(kind: ResourceKind[Owned], context: RequestContext) -> str:
    key: str = context.call.params[f"{kind.name}_id"]
    return key


def _normalize_emails(written: Iterable[str]) -> list[str]:
    try:
        return [normalize_email(address) for address in written]
    except ValueError as error:
        raise ProblemError(400, f"{error}.") from None


_HEALTH_TIMEOUT = 5.0


async def get_health(services: Services, call: Call) -> Reply:
    """Report whether the database responds."""

    def query() -> None:
        with services.store.read() as db:
            db.execute(text("SELECT 1 FROM settings")).first()

    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT):
            await run_sync(query, abandon_on_cancel=True)
    except TimeoutError:
        raise ProblemError(503, "The database of this hub did not respond in time.") from None
    except SQLAlchemyError as error:
        raise ProblemError(503, "The database of this hub cannot be read.") from error
    return Reply({"status": "ok"}, {"Cache-Control": "no-store"})
