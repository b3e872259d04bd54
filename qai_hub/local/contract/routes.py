"""The routes of the contract, and the interface between the spec layer and the handlers."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qai_hub.local.contract import bodies
from qai_hub.local.contract.document import Contract, ContractError, Json, Operation
from qai_hub.local.contract.parameters import (
    negotiate_media_type,
    read_parameters,
    request_media_type,
)
from qai_hub.local.contract.validation_errors import describe_errors, is_large
from qai_hub.local.errors import MEDIA_TYPE as PROBLEM
from qai_hub.local.errors import ProblemError

Caller = Any
"""The user that a token belongs to, as the authenticator returns it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been validated against the contract.

    Attributes:
        operation: The operation that is called.
        request: The HTTP request, for streams and URLs.
        caller: The user, as the authenticator returned it; None if no token is required.
        params: Parsed parameters by name; absent ones are omitted unless they have a default.
        body: The decoded body; None if there is none, or if the handler reads the stream itself.
    """

    operation: Operation
    request: Request
    caller: Caller
    params: Mapping[str, Json]
    body: Json


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful response.

    Attributes:
        body: The value to encode; None for an empty response.
        headers: Headers in addition to those of the encoding.
        status: HTTP status; None for the first one that the contract declares.
    """

    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


Handler = Callable[[Call], Awaitable[Reply | Response]]
"""Handles one operation."""

Authenticate = Callable[[Request], Awaitable[Caller]]
"""Returns the user that sent a request; raises a `ProblemError` if it does not tell."""


def get_caller(request: Request, find: Callable[[str], Caller]) -> Caller:
    """Return the user that sent a request with a token.

    Args:
        request: The request.
        find: Returns the user that a token belongs to; None if there is none.

    Raises:
        ProblemError: 401 if it has no token, or its token is unknown or no longer valid.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "token" else ""
    caller = find(token) if token else None
    if caller is None:
        reason = (
            "This hub does not know the API token: it may have been renewed or revoked."
            if token
            else "The API token is missing: send the header 'Authorization: token …'."
        )
        raise ProblemError(401, reason, headers={"WWW-Authenticate": "token"})
    return caller


_log = logging.getLogger(__name__)
# Larger bodies are decoded in a thread beside the event loop, and responses with many values are
# encoded there.
_LARGE_BODY = 16 << 10


def build_routes(
    contract: Contract,
    handlers: Mapping[str, Handler],
    authenticate: Authenticate,
    *,
    validate_responses: bool = False,
    body_seconds: float = 60.0,
) -> list[Route]:
    """Create one route for each path of the contract.

    Args:
        contract: The contract.
        handlers: The handler of each operation, by operationId.
        authenticate: Returns the user that sent a request.
        validate_responses: Whether a response that violates the contract is replaced by a 500.
        body_seconds: Seconds that a body may take to arrive, if the contract limits its size.

    Returns:
        Routes for Starlette.

    Raises:
        ContractError: An operation has no handler, or a handler has no operation.
    """
    wanted = {operation.id for operation in contract.operations}
    if missing := sorted(wanted - set(handlers)):
        raise ContractError(f"no handler for the operations {', '.join(missing)}")
    if unknown := sorted(set(handlers) - wanted):
        raise ContractError(f"no operation in the contract for the handlers {', '.join(unknown)}")
    settings = _BodySettings(body_seconds, CapacityLimiter(1))
    by_path = sorted(contract.operations, key=lambda operation: operation.path)
    return [
        Route(
            path,
            _PathEndpoint(
                [
                    _OperationEndpoint(
                        operation,
                        handlers[operation.id],
                        authenticate,
                        settings,
                        validate_responses,
                    )
                    for operation in operations
                ]
            ),
        )
        for path, operations in groupby(by_path, key=lambda operation: operation.path)
    ]


@dataclass(frozen=True, slots=True)
class _BodySettings:
    """How bodies are decoded and encoded.

    Attributes:
        seconds: Seconds that a body may take to arrive.
        large: Allows one large body at a time to be decoded or encoded, in a separate thread. With
            several threads, the event loop would wait longer for the interpreter lock.
    """

    seconds: float
    large: CapacityLimiter


class _PathEndpoint:
    """All methods of one path, as an ASGI application."""

    def __init__(self, endpoints: Sequence["_OperationEndpoint"]) -> None:
        self._by_method = {each.operation.method: each for each in endpoints}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._by_method.get(scope["method"])
        if endpoint is None:
            allow = ", ".join(self._by_method)
            raise ProblemError(
                405, f"{scope['method']} is not for this URL: {allow}.", headers={"Allow": allow}
            )
        scope["operation"] = endpoint.operation.id
        scope["operation_path"] = endpoint.operation.path
        response = await endpoint.respond(Request(scope, receive))
        await response(scope, receive, send)


class _OperationEndpoint:
    """An operation with its handler."""

    def __init__(
        self,
        operation: Operation,
        handler: Handler,
        authenticate: Authenticate,
        settings: _BodySettings,
        validate_responses: bool,
    ) -> None:
        self.operation = operation
        self._handler = handler
        self._authenticate = authenticate
        self._settings = settings
        self._validate = validate_responses

    async def respond(self, request: Request) -> Response:
        try:
            media, call = await self._read(request)
            result = await self._handler(call)
        except ProblemError as problem:
            self._check_response(problem.status, PROBLEM, None)
            raise
        if isinstance(result, Response):
            self._check_response(result.status_code, result.media_type, None)
            return result
        status = result.status or self.operation.status
        if result.body is None:
            self._check_response(status, None, None)
            return Response(status_code=status, headers=result.headers)
        self._check_response(status, bodies.JSON, result)
        bare = call.params.get("supports_s3_credentials") is not True
        encode = partial(bodies.encode_body, result.body, self.operation, media, bare=bare)
        large = is_large(result.body)
        content = await run_sync(encode, limiter=self._settings.large) if large else encode()
        return Response(content, status, headers=result.headers, media_type=media)

    async def _read(self, request: Request) -> tuple[str, Call]:
        """Read a request; return the media type of the response, too."""
        operation = self.operation
        caller = await self._authenticate(request) if operation.secured else None
        params = read_parameters(operation, request)
        media = negotiate_media_type(request, operation)
        body = await self._read_body(request)
        return media, Call(operation, request, caller, params, body)

    async def _read_body(self, request: Request) -> Json:
        body = self.operation.body
        if body is None:
            return None
        if body.max_bytes is None:
            request_media_type(request, body)
            return None
        typed = "content-type" in request.headers
        media = request_media_type(request, body) if typed else ""
        raw = await bodies.read_body(
            request.stream(), request.headers, body.max_bytes, self._settings.seconds
        )
        if not raw and not body.required:
            return None
        if not raw and not typed:
            raise ProblemError(400, "body: missing.")
        decode = partial(bodies.decode_body, raw, body, media or request_media_type(request, body))
        if len(raw) <= _LARGE_BODY:
            return decode()
        return await run_sync(decode, limiter=self._settings.large)

    def _check_response(self, status: int, media: str | None, reply: Reply | None) -> None:
        """Check a response against the contract; a violation is the server's fault, and logged."""
        if not self._validate:
            return
        fault = self._find_violation(status, media, reply)
        if fault:
            _log.error("%s violated the contract: %s", self.operation.id, fault)
            raise RuntimeError(f"{self.operation.id} violated the contract: {fault}")

    def _find_violation(self, status: int, media: str | None, reply: Reply | None) -> str | None:
        declared = self.operation.response_validators.get(status)
        if declared is None:
            return f"status {status} is not declared"
        if media is None:
            return f"status {status} has content" if declared else None
        if media not in declared:
            return f"{media} is not declared for status {status}"
        if reply is not None and not declared[media].is_valid(reply.body):
            return describe_errors(declared[media], reply.body, "response")
        return None
