"""Users: logging in, and who one is."""

from qai_hub.local.contract import Call, Reply
from qai_hub.local.problems import ProblemError
from qai_hub.local.services import Services
from qai_hub.local.views.things import own_user_json
from qai_hub.local.work import Work


async def log_in(services: Services, call: Call) -> Reply:
    """Exchange a password for a token. On a local hub, the password is the token."""
    email, password = call.body["email"], call.body["password"]
    user = services.accounts.authenticate(password)
    if user is None or user != services.accounts.with_email(email):
        raise ProblemError(
            400, "E-mail address or password are wrong. On a local hub, the password is the token."
        )
    return Reply({"key": password})


def get_user(work: Work) -> Reply:
    """Tell whose token it is."""
    return Reply(own_user_json(work.viewer))
