"""Handlers for sharing jobs, models and datasets."""

from collections.abc import Iterable

from qai_hub.local.api.context import RequestContext
from qai_hub.local.api.lists import updated_response
from qai_hub.local.contract import Reply
from qai_hub.local.core.access import ResourceKind
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.people import get_shared_emails, normalize_email, share, unshare
from qai_hub.local.store.records import Owned


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
