"""From the contract to routes: each request is checked in one order, then handed over."""

import logging
from collections.abc import Mapping, Sequence
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from qai_hub.local.contract import wire
from qai_hub.local.contract.calls import Authenticate, Call, Handler, Reply, caller_of
from qai_hub.local.contract.document import Contract, ContractError, Json, Operation
from qai_hub.local.contract.negotiation import answer_type, content_type
from qai_hub.local.contract.parameters import read_parameters
from qai_hub.local.contract.words import explain
from qai_hub.local.problems import MEDIA_TYPE as PROBLEM
from qai_hub.local.problems import ProblemError

_log = logging.getLogger(__name__)


def routes(
    contract: Contract,
    handlers: Mapping[str, Handler],
    authenticate: Authenticate,
    *,
    validate_responses: bool = False,
) -> list[Route]:
    """Make one route for each path of the contract.

    Args:
        contract: The contract.
        handlers: What carries out each operation, by operationId.
        authenticate: Tells whom a token belongs to.
        validate_responses: Answer 500 where an answer does not fit the contract.

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
    by_path = sorted(contract.operations, key=lambda operation: operation.path)
    return [
        Route(
            path,
            _Endpoint(
                [
                    _Bound(operation, handlers[operation.id], authenticate, validate_responses)
                    for operation in operations
                ]
            ),
        )
        for path, operations in groupby(by_path, key=lambda operation: operation.path)
    ]


class _Endpoint:
    """All methods of one path, as an ASGI application."""

    def __init__(self, bound: Sequence["_Bound"]) -> None:
        self._by_method = {each.operation.method: each for each in bound}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        bound = self._by_method.get(scope["method"])
        if bound is None:
            allow = ", ".join(self._by_method)
            raise ProblemError(
                405, f"{scope['method']} is not for this URL: {allow}.", headers={"Allow": allow}
            )
        response = await bound.answer(Request(scope, receive))
        await response(scope, receive, send)


class _Bound:
    """An operation with what carries it out."""

    def __init__(
        self,
        operation: Operation,
        handler: Handler,
        authenticate: Authenticate,
        validate_responses: bool,
    ) -> None:
        self.operation = operation
        self._handler = handler
        self._authenticate = authenticate
        self._validate = validate_responses

    async def answer(self, request: Request) -> Response:
        try:
            media, call = await self._read(request)
            result = await self._handler(call)
        except ProblemError as problem:
            self._check_answer(problem.status, PROBLEM, None)
            raise
        if isinstance(result, Response):
            self._check_answer(result.status_code, result.media_type, None)
            return result
        status = result.status or self.operation.status
        if result.body is None:
            self._check_answer(status, None, None)
            return Response(status_code=status, headers=result.headers)
        self._check_answer(status, wire.JSON, result)
        bare = call.params.get("supports_s3_credentials") is not True
        content = wire.encode(result.body, self.operation, media, bare=bare)
        return Response(content, status, headers=result.headers, media_type=media)

    async def _read(self, request: Request) -> tuple[str, Call]:
        """Read a request; return what it is answered as, too."""
        operation = self.operation
        caller = caller_of(request, self._authenticate) if operation.secured else None
        params = read_parameters(operation, request)
        media = answer_type(request, operation)
        body = await self._read_body(request)
        return media, Call(operation, request, caller, params, body)

    async def _read_body(self, request: Request) -> Json:
        body = self.operation.body
        if body is None:
            return None
        if body.validator is None:
            content_type(request, body)
            return None
        raw = await wire.read_body(request.stream())
        if not raw and not body.required:
            return None
        if not raw and "content-type" not in request.headers:
            raise ProblemError(400, "body: missing")
        return wire.decode(raw, body, content_type(request, body))

    def _check_answer(self, status: int, media: str | None, reply: Reply | None) -> None:
        """Hold an answer to the contract; a fault is the server's, and says so to its log."""
        if not self._validate:
            return
        fault = self._fault(status, media, reply)
        if fault:
            _log.error("%s answered against the contract: %s", self.operation.id, fault)
            raise RuntimeError(f"{self.operation.id} answered against the contract: {fault}")

    def _fault(self, status: int, media: str | None, reply: Reply | None) -> str | None:
        declared = self.operation.answers.get(status)
        if declared is None:
            return f"status {status} is not declared"
        if media is None:
            return f"status {status} has content" if declared else None
        if media not in declared:
            return f"{media} is not declared for status {status}"
        if reply is not None and not declared[media].is_valid(reply.body):
            return explain(declared[media].iter_errors(reply.body), "answer")
        return None
