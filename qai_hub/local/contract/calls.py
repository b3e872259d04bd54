"""What passes between the spec layer and the handlers of operations."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from qai_hub.local.contract.document import Json, Operation
from qai_hub.local.problems import ProblemError

Caller = Any
"""Whoever a token belongs to, as the authenticator knows them."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that fits the contract.

    Attributes:
        operation: The operation that is called.
        request: The HTTP request, for streams and URLs.
        caller: Who calls, as the authenticator knows them; None where no token is needed.
        params: Parameters by name, parsed; absent ones are left out unless they have a default.
        body: The decoded body; None if there is none, or if the handler reads the stream.
    """

    operation: Operation
    request: Request
    caller: Caller
    params: Mapping[str, Json]
    body: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer.

    Attributes:
        body: What to encode; None for an empty answer.
        headers: Headers beside those of the encoding.
        status: HTTP status; None for the first one that the contract declares.
    """

    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


Handler = Callable[[Call], Awaitable[Reply | Response]]
"""Carries out one operation."""

Authenticate = Callable[[str], Caller]
"""Turns a token into whoever it belongs to; None if it belongs to nobody."""


def caller_of(request: Request, authenticate: Authenticate) -> Caller:
    """Return who sends a request.

    Args:
        request: The request.
        authenticate: Tells whom a token belongs to.

    Raises:
        ProblemError: 401 if it has no token, or its token is nobody's (any more).
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    caller = authenticate(token.strip()) if scheme.lower() == "token" else None
    if caller is None:
        raise ProblemError(
            401,
            "The API token is missing or unknown. Send the header 'Authorization: token …'.",
            headers={"WWW-Authenticate": "token"},
        )
    return caller
