"""What the handlers of one hub work with."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from qai_hub.local.clock import Clock, rfc3339
from qai_hub.local.config import HubConfig
from qai_hub.local.contract import Call, Contract, Reply
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.waiters import Waiters
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.errors import ProblemError
from qai_hub.local.files.signing import Signer
from qai_hub.local.files.store import FileLinks, FileStore
from qai_hub.local.files.writers import Writers
from qai_hub.local.store import Store
from qai_hub.local.store.files import StoredAnswer, claim_key, keep_answer
from qai_hub.local.store.records import User

# Seconds after which to look whether what a person has too many of has become less.
RETRY_AFTER = "30"


@dataclass(frozen=True, slots=True)
class Services:
    """What the handlers of one hub work with.

    Attributes:
        contract: The contract that they fulfil.
        config: How the hub is configured.
        store: The database.
        storage: The files.
        links: Signs the URLs of files.
        writers: Who writes to which upload.
        lifecycle: What becomes of jobs.
        accounts: The users.
        devices: The devices that jobs can name.
        signer: Checks the signatures of URLs.
        waiters: Requests that wait for jobs.
        clock: Tells the time.
        wake: Tells the scheduler that there may be something to run.
        cancelled: Tells the scheduler which jobs people have ended.
    """

    contract: Contract
    config: HubConfig
    store: Store
    storage: FileStore
    links: FileLinks
    writers: Writers
    lifecycle: Lifecycle
    accounts: Accounts
    devices: DeviceCatalogue
    signer: Signer
    waiters: Waiters
    clock: Clock
    wake: Callable[[], None]
    cancelled: Callable[[Collection[str]], None]

    def path(self, operation: str, **ids: str | int) -> str:
        """Return the path of an operation."""
        return self.contract.paths[operation].format(**ids)


def origin(request: Request) -> str:
    """Return scheme, host and port by which the caller has reached this hub."""
    return f"{request.url.scheme}://{request.url.netloc}"


@dataclass(frozen=True, slots=True)
class Work:
    """A request while it is carried out.

    Attributes:
        services: What the hub has.
        call: The request.
        db: The transaction.
        around: Contexts that are held until the transaction is over, whatever its end.
        after: What is to be done once the transaction has succeeded.
    """

    services: Services
    call: Call
    db: Connection
    around: ExitStack
    after: list[Callable[[], None]] = field(default_factory=list)

    @property
    def viewer(self) -> User:
        """Who sent the request."""
        user: User = self.call.caller
        return user

    @property
    def now(self) -> str:
        """The time, as it is stored."""
        return rfc3339(self.services.clock())


Carry = Callable[[Work], Reply]
"""Carries out an operation within a transaction."""

Carried = Callable[[Call], Awaitable[Reply]]
"""The handler of such an operation."""


def reading(services: Services, carry: Carry) -> Carried:
    """Make the handler of an operation that only reads."""

    def run(call: Call) -> Reply:
        with services.store.read() as db, ExitStack() as around:
            return carry(Work(services, call, db, around))

    async def handler(call: Call) -> Reply:
        return await run_in_threadpool(run, call)

    return handler


def writing(services: Services, carry: Carry) -> Carried:
    """Make the handler of an operation that writes, at most once for each idempotency key."""

    def run(call: Call) -> Reply:
        with ExitStack() as around:
            with services.store.write() as db:
                work = Work(services, call, db, around)
                reply = _once(work, carry)
            for action in work.after:
                action()
            return reply

    async def handler(call: Call) -> Reply:
        return await run_in_threadpool(run, call)

    return handler


def _once(work: Work, carry: Carry) -> Reply:
    """Carry out, or give the first answer again.

    The key is taken, what is asked for is made, and the answer is stored, all by one transaction:
    neither a crash in between nor two requests at once can make it twice. A failure undoes all.
    """
    key = work.call.params.get("Idempotency-Key")
    if key is None:
        return carry(work)
    path = work.call.request.url.path
    body = json.dumps(work.call.body, sort_keys=True).encode()
    digest = hashlib.sha256(body).hexdigest()
    request = StoredAnswer(work.viewer.id, path, key, work.now, digest)
    stored = claim_key(work.db, request)
    if stored is None:
        reply = carry(work)
        answer = replace(request, status=reply.status, headers=reply.headers, answer=reply.body)
        keep_answer(work.db, answer)
        return reply
    if stored.body_digest != digest:
        raise ProblemError(
            409, "This Idempotency-Key has been used for another body: use a new key."
        )
    headers = {**stored.headers, "Idempotency-Replayed": "true"}
    return Reply(stored.answer, headers, stored.status)
