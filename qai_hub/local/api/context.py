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
from qai_hub.local.core.turns import Places
from qai_hub.local.core.waiters import SharedReads, Waiters
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.errors import FILES_UNAVAILABLE, ProblemError
from qai_hub.local.files.signing import Signer
from qai_hub.local.files.store import DirectUploads, FileLinks, FileStore, UploadReceiver
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.store import Store
from qai_hub.local.store.files import StoredResponse, claim_key, save_response
from qai_hub.local.store.postponed import Postponed
from qai_hub.local.store.records import User
from qai_hub.local.tracing import Tracer

_Result = TypeVar("_Result")

# Seconds after which a client may retry a request that exceeded a user's quota.
RETRY_AFTER = "30"
# More threads that only compute hinder each other: with forty, eight connections get two thirds of
# the answers.
MAX_QUICK_READS = 3
# As many as there are connections to a bucket; others queue, and some more may.
MAX_STORAGE_WAITS = 32
_MAX_QUEUED_WAITS = 64


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
        tracer: Records what is done for a request.
        inspections: What is inside files.
        quick_reads: Limits how many requests read the database alone at once, of users in turns.
        quick_threads: The threads that they have.
        ended_jobs: What requests that waited for a job are answered, by the job and the viewer.
        storage_waits: Limits how many wait for the storage of the files at once.
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
    tracer: Tracer
    inspections: Inspections
    quick_reads: Places = field(default_factory=lambda: Places(MAX_QUICK_READS))
    quick_threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(MAX_QUICK_READS))
    ended_jobs: SharedReads[tuple[str, int], Reply] = field(default_factory=SharedReads)
    storage_waits: CapacityLimiter = field(
        default_factory=lambda: CapacityLimiter(MAX_STORAGE_WAITS)
    )

    def operation_path(self, operation: str, **ids: str | int) -> str:
        """Return the path of an operation."""
        return self.contract.paths[operation].format(**ids)


def request_origin(request: Request) -> str:
    """Return the scheme, host and port at which the caller reached this hub."""
    return f"{request.url.scheme}://{request.url.netloc}"


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
        return ask_storage(self.services, self.done, name, action)


def ask_storage(
    services: Services, done: dict[str, Any], name: str, action: Callable[[], _Result]
) -> _Result:
    """Return the result of an action of the storage, as `RequestContext.ask_storage` tells.

    Args:
        services: The services of the hub.
        done: The results of what was done without a transaction, by name.
        name: Identifies the action.
        action: The action.
    """
    receiver = services.receiver
    if receiver is not None and not receiver.assembles:
        return action()
    if name not in done:
        raise Postponed(name, action)
    result: _Result = done[name]
    return result


OperationHandler = Callable[[RequestContext], Reply]
"""Handles an operation within a transaction."""

RouteHandler = Callable[[Call], Awaitable[Reply]]
"""An operation's handler for the spec layer, which opens the transaction."""


def with_read_transaction(
    services: Services, handle: OperationHandler, *, is_quick: bool = True
) -> RouteHandler:
    """Return the handler of an operation that only reads.

    Args:
        services: What the handler uses.
        handle: Handles the operation.
        is_quick: Whether it reads nothing but the database.
    """

    def run(call: Call, done: dict[str, Any]) -> Reply:
        with services.store.read() as db, ExitStack() as exit_stack:
            return handle(RequestContext(services, call, db, exit_stack, done=done))

    return _repeating(services, run, is_quick=is_quick)


def with_write_transaction(services: Services, handle: OperationHandler) -> RouteHandler:
    """Return the handler of an operation that writes, at most once for each idempotency key."""

    def run(call: Call, done: dict[str, Any]) -> Reply:
        with ExitStack() as exit_stack:
            with services.store.write(done=done) as db:
                context = RequestContext(services, call, db, exit_stack, done=done)
                reply = _handle_idempotently(context, handle)
            for action in context.after_commit:
                action()
            return reply

    return _repeating(services, run, is_quick=False)


def _repeating(
    services: Services,
    run: Callable[[Call, dict[str, Any]], Reply],
    *,
    is_quick: bool,
) -> RouteHandler:
    """Return a handler that runs again once what it needs from the storage is there."""

    async def handler(call: Call) -> Reply:
        reader = call.caller if is_quick else None
        return await run_until_done(services, partial(run, call), reader)

    return handler


async def run_until_done(
    services: Services,
    run: Callable[[dict[str, Any]], _Result],
    reader: User | None,
) -> _Result:
    """Run a transaction in a thread, and again once what it needs from the storage is there.

    Threads that wait for a storage are not those that handle requests, so that one that hangs does
    not keep the hub from answering whatever does not need it.

    Args:
        services: The services of the hub.
        run: The transaction, given the results of what was done without one, by name.
        reader: Whose turn it needs to be, for a transaction that is quick; None for others, for
            which there are more threads.

    Returns:
        What it returns.

    Raises:
        ProblemError: 503 if too many wait for the storage already.
    """
    waits, done = services.storage_waits, dict[str, Any]()
    while True:
        try:
            if reader is None:
                return await run_sync(run, done)
            async with services.quick_reads.take(reader.id):
                return await run_sync(run, done, limiter=services.quick_threads)
        except Postponed as postponed:
            if waits.statistics().tasks_waiting >= _MAX_QUEUED_WAITS:
                raise FILES_UNAVAILABLE from None
            done[postponed.name] = await run_sync(postponed.action, limiter=waits)


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
