"""Handlers for the user of a token, and for logging in."""

from anyio.to_thread import run_sync

from qai_hub.local.api.context import RequestContext, Services, request_origin
from qai_hub.local.api.serialize import own_user_json
from qai_hub.local.clock import rfc3339
from qai_hub.local.contract import Call, Reply
from qai_hub.local.core.sign_ins import link_path
from qai_hub.local.errors import ProblemError


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


async def create_sign_in_link(services: Services, call: Call) -> Reply:
    """Create a link that signs a browser in.

    It is not repeated for an idempotency key: its answer would have to be stored, with its secret.
    """
    token = call.request.headers.get("authorization", "").partition(" ")[2].strip()
    own = token if services.accounts.authenticate(token) == call.caller else None
    code, expires = await run_sync(services.sign_ins.create_link, call.caller, own)
    url = f"{request_origin(call.request)}{link_path(code)}"
    return Reply({"url": url, "expiration_time": rfc3339(expires)})
