"""Handlers for the user of a token, and for logging in."""

from qai_hub.local.api.context import RequestContext, Services
from qai_hub.local.api.serialize import own_user_json
from qai_hub.local.contract import Call, Reply
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
