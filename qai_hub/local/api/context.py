"""The context of a handler: the services of the hub, and one request in its transaction."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy import Connection
from starlette.requests import Request

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import HubConfig
from qai_hub.local.contract import Authenticate, Call, Contract, Reply
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.inspections import Inspections
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.sign_ins import SignIns
from qai_hub.local.core.waiters import Waiters
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.signing import Signer
from qai_hub.local.files.store import DirectUploads, FileLinks, FileStore, UploadReceiver
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.store import Store
from qai_hub.local.store.files import StoredResponse, claim_key, save_response
from qai_hub.local.store.records import User

_Result = TypeVar("_Result")

# Seconds after which a client may retry a request that exceeded a user's quota.
RETRY_AFTER = "30"
# More threads that only compute hinder each other: with forty, eight connections get two thirds of
# the answers.
MAX_QUICK_READS = 3


@dataclass(frozen=True, slots=True)
class Services:
    """The services that the handlers of one hub use.

    Attributes:
        contract: The contract that they implement.
        config: The hub's configuration.
        store: The database.
        storage: The files.
        receiver: Stores uploads that this hub receives; None if a service receives them.
        direct: The uploads of that service; None if this hub receives them.
        links: Signs the URLs of files.
        writers: The requests that are writing to uploads.
        lifecycle: The steps that jobs go through.
        digests: The digests of files.
        accounts: The users.
        authenticate: Returns the user that sent a request.
        sign_ins: The browsers that are signed in.
        devices: The devices that jobs can name.
        signer: Checks the signatures of URLs.
        waiters: Requests that are waiting for jobs.
        clock: Returns the current time.
        inspections: What is inside files.
        quick_reads: Limits how many requests read the database alone at once.
    """

    contract: Contract
    config: HubConfig
    store: Store
    storage: FileStore
    receiver: UploadReceiver | None
    direct: DirectUploads | None
    links: FileLinks
    writers: UploadWriters
    lifecycle: Lifecycle
    digests: FileDigests
    accounts: Accounts
    authenticate: Authenticate
    sign_ins: SignIns
    devices: DeviceCatalogue
    signer: Signer
    waiters: Waiters
    clock: Clock
    inspections: Inspections
    quick_reads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_QUICK_READS))

    def operation_path(self, operation: str, **ids: str | int) -> str:
        """Return the path of an operation."""
        return self.contract.paths[operation].format(**ids)


def request_origin(request: Request) -> str:
    """Return the scheme, host and port at which the caller reached this hub."""
    return f"{request.url.scheme}://{request.url.netloc}"


class _Postponed(Exception):  # noqa: N818 - no error
    """The handler needs the result of an action that is to be done without a transaction."""

    def __init__(self, name: str, action: Callable[[], object]) -> None:
        super().__init__(name)
        self.name = name
        self.action = action


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request while it is handled.

    Attributes:
        services: The services of the hub.
        call: The request.
        db: The transaction.
        exit_stack: Context managers that stay open until the transaction has ended.
        after_commit: Actions to run once the transaction has succeeded.
        done: The results of what was done without a transaction, by name.
    """

    services: Services
    call: Call
    db: Connection
    exit_stack: ExitStack
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    done: dict[str, Any] = field(default_factory=dict)

    @property
    def viewer(self) -> User:
        """The user who sent the request."""
        user: User = self.call.caller
        return user

    @property
    def now(self) -> str:
        """The current time, in the form that is stored."""
        return rfc3339(self.services.clock())

    def ask_storage(self, name: str, action: Callable[[], _Result]) -> _Result:
        """Return the result of an action that the storage of the files takes time for.

        Others would wait for the transaction meanwhile. So it is rolled back, the action is done,
        and the handler begins again in a new transaction, in which this returns at once. Where no
        other process uses the files, nothing takes time, and the action is done within it.

        Args:
            name: Identifies the action among those of this handler.
            action: The action.
        """
        receiver = self.services.receiver
        if receiver is not None and not receiver.assembles:
            return action()
        if name not in self.done:
            raise _Postponed(name, action)
        result: _Result = self.done[name]
        return result


OperationHandler = Callable[[RequestContext], Reply]
"""Handles an operation within a transaction."""

RouteHandler = Callable[[Call], Awaitable[Reply]]
"""An operation's handler for the spec layer, which opens the transaction."""


def with_read_transaction(
    services: Services, handle: OperationHandler, limiter: CapacityLimiter | None = None
) -> RouteHandler:
    """Return the handler of an operation that only reads.

    Args:
        services: What the handler uses.
        handle: Handles the operation.
        limiter: Limits how many requests are handled at once; None for the limit of all requests.
    """

    def run(call: Call, done: dict[str, Any]) -> Reply:
        with services.store.read() as db, ExitStack() as exit_stack:
            return handle(RequestContext(services, call, db, exit_stack, done=done))

    return _repeating(run, limiter)


def with_write_transaction(services: Services, handle: OperationHandler) -> RouteHandler:
    """Return the handler of an operation that writes, at most once for each idempotency key."""

    def run(call: Call, done: dict[str, Any]) -> Reply:
        with ExitStack() as exit_stack:
            with services.store.write() as db:
                context = RequestContext(services, call, db, exit_stack, done=done)
                reply = _handle_idempotently(context, handle)
            for action in context.after_commit:
                action()
            return reply

    return _repeating(run)


def _repeating(
    run: Callable[[Call, dict[str, Any]], Reply], limiter: CapacityLimiter | None = None
) -> RouteHandler:
    """Return a handler that runs again once what it needs from the storage is there."""

    async def handler(call: Call) -> Reply:
        return await run_sync(run_until_done, partial(run, call), limiter=limiter)

    return handler


def run_until_done(run: Callable[[dict[str, Any]], _Result]) -> _Result:
    """Run a transaction again once what it needs from the storage is there.

    Args:
        run: The transaction, given the results of what was done without one, by name.

    Returns:
        What it returns.
    """
    done = dict[str, Any]()
    while True:
        try:
            return run(done)
        except _Postponed as postponed:
            done[postponed.name] = postponed.action()


def _handle_idempotently(context: RequestContext, handle: OperationHandler) -> Reply:
    """Handle a request, or repeat the first response to its idempotency key.

    One transaction takes the key, handles the request and stores the response, so that neither a
    crash nor concurrent requests can repeat it. A failure rolls everything back.
    """
    key = context.call.params.get("Idempotency-Key")
    if key is None:
        return handle(context)
    path = context.call.request.url.path
    body = json.dumps(context.call.body, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    request = StoredResponse(context.viewer.id, path, key, context.now, digest)
    stored = claim_key(context.db, request)
    if stored is None:
        reply = handle(context)
        answer = replace(request, status=reply.status, headers=reply.headers, answer=reply.body)
        save_response(context.db, answer)
        return reply
    if stored.body_digest != digest:
        raise ProblemError(
            409, "This Idempotency-Key has been used for another body: use a new key."
        )
    headers = {**stored.headers, "Idempotency-Replayed": "true"}
    return Reply(stored.answer, headers, stored.status)
