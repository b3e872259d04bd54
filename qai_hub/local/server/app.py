"""The application: its parts, and how they are put together."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from anyio.to_thread import current_default_thread_limiter
from starlette.routing import Router
from starlette.types import ASGIApp

from qai_hub.local.api import build_handlers
from qai_hub.local.api.context import Services
from qai_hub.local.clock import Clock
from qai_hub.local.config import DEFAULT_USER, HubConfig, SignIn
from qai_hub.local.contract import Contract, build_routes
from qai_hub.local.core.account_changes import merge_users
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.core.expiry import Expiry
from qai_hub.local.core.inspections import Inspections
from qai_hub.local.core.kinds import FINISHED_STATES
from qai_hub.local.core.local_executor import RunAttempt
from qai_hub.local.core.parts import Parts, make_scheduler, open_parts
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.core.sign_ins import SignIns
from qai_hub.local.core.waiters import Waiters
from qai_hub.local.files.quarantine import Quarantined
from qai_hub.local.files.signing import HubLinks, Signer
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.limits import ServerLimits, raise_open_file_limit
from qai_hub.local.pages import Pages
from qai_hub.local.server.callers import Callers
from qai_hub.local.server.middleware import OuterMiddleware, not_found
from qai_hub.local.server.operations import Operations
from qai_hub.local.server.run import ServerThread, allowed_hosts, listen, server_url
from qai_hub.local.store import Store
from qai_hub.local.store.events import Topic
from qai_hub.local.store.rows import JOBS

if TYPE_CHECKING:
    from qai_hub.local.server.oidc import TokenVerifier


def make_app(
    services: Services,
    pages: Pages,
    hosts: Collection[str] | None,
    limits: ServerLimits,
    operations: Operations,
    *,
    validate_responses: bool,
) -> ASGIApp:
    """Create the web application of a hub.

    Args:
        services: What its handlers use.
        pages: The pages that people look at.
        hosts: Host names that requests may be addressed to; None for any.
        limits: Limits on its connections.
        operations: What operators ask of it.
        validate_responses: Whether a response that violates the contract is replaced by a 500.

    Returns:
        An ASGI application.

    Raises:
        ContractError: The handlers do not match the contract.
    """

    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = limits.threads
        services.waiters.open()
        pages.live.open()
        yield
        services.waiters.close()

    contract = services.contract
    api = build_routes(
        contract,
        build_handlers(services),
        services.authenticate,
        validate_responses=validate_responses,
    )
    router = Router(
        [*api, *pages.routes, *operations.routes],
        redirect_slashes=False,
        default=pages.missing,
        lifespan=lifespan,
    )
    return OuterMiddleware(
        router,
        hosts,
        head_bytes=limits.head_bytes,
        stall_seconds=limits.stall_seconds,
        observe=None if operations.metrics is None else operations.metrics.observe_request,
        tracer=services.tracer,
    )


@dataclass(frozen=True, slots=True)
class RunningHub:
    """The parts of a running hub that `LocalHub` uses.

    Attributes:
        url: Scheme, host and port.
        accounts: The users.
        sign_ins: The browsers that are signed in.
        waiters: The requests that are waiting for a job to end.
        server: The web server.
        quarantined: What the quarantine held when the hub started.
    """

    url: str
    accounts: Accounts
    sign_ins: SignIns
    waiters: Waiters
    server: ServerThread
    quarantined: Quarantined
    warm_up: Callable[[], None]


def start_hub(
    config: HubConfig, clock: Clock, run_attempt: RunAttempt | None, stack: ExitStack
) -> RunningHub:
    """Start a hub; returns once it accepts requests.

    Args:
        config: Its configuration.
        clock: Returns the current time.
        run_attempt: Carries out attempts at jobs; if None, worker processes do.
        stack: Collects the callbacks that stop the hub.

    Returns:
        Its parts.

    Raises:
        DataFolderError: The data folder cannot be used.
        OSError: The port is in use, the data folder cannot be written, or the storage of the files
            cannot be reached.
        ValueError: An address or a token of a user is invalid, or the URL of that storage.
    """
    # Before anything is created.
    users = merge_users(config.users).items()
    listener = stack.enter_context(listen(config.host, config.port))
    parts = open_parts(config, clock, "web", stack)
    store, storage = parts.store, parts.storage
    is_shared = config.database is not None
    accounts = Accounts(
        store,
        users,
        # Another process has named them.
        keep=config.keep_users or is_shared,
        default=DEFAULT_USER if is_shared else None,
    )
    limits = config.limits or ServerLimits.within(raise_open_file_limit(), config.max_parallel_jobs)
    waiters = Waiters(limits.waits)
    store.subscribe(Topic.ENDED, waiters.notify)
    pools = PoolWatch(store, None if parts.heartbeat is None else config.lease)
    writers = UploadWriters()
    expiry = Expiry(store, storage, writers, parts.clock, config.retention)
    inspections = Inspections(storage, parts.work, parts.workers, config.memory_limit)
    stack.callback(inspections.stop)
    contract = Contract.load()
    signer = Signer(store.secret, parts.clock, config.retention.signatures)
    services = Services(
        contract=contract,
        config=config,
        store=store,
        storage=storage,
        receiver=parts.receiver,
        direct=parts.direct,
        digests=parts.digests,
        accounts=accounts,
        authenticate=Callers(accounts, config.sign_in, _make_verifier(config.sign_in)),
        sign_ins=SignIns(store, accounts, parts.clock, config.retention),
        devices=parts.devices,
        links=parts.direct or HubLinks(signer, contract.paths),
        writers=writers,
        lifecycle=parts.lifecycle,
        signer=signer,
        waiters=waiters,
        clock=parts.clock,
        tracer=parts.tracer,
        inspections=inspections,
    )
    hosts = allowed_hosts(config.host, config.allowed_hosts)
    operations = Operations(config, parts, pools)
    pages = Pages(services, pools, not_found)
    app = make_app(
        services, pages, hosts, limits, operations, validate_responses=config.validate_responses
    )

    def end_waits() -> None:
        waiters.close()
        pages.live.close()

    warm_up = _start_jobs(parts, config, run_attempt, waiters, pools, stack)
    expiry.start()
    stack.callback(expiry.stop)
    server = ServerThread(app, listener, end_waits, limits)
    if operations.metrics is not None:
        operations.metrics.watch(lambda: server.connections, lambda: len(waiters))
    server.start()
    stack.callback(server.stop)
    return RunningHub(
        server_url(config.host, listener),
        accounts,
        services.sign_ins,
        waiters,
        server,
        parts.quarantined,
        warm_up,
    )


def _make_verifier(sign_in: SignIn) -> "TokenVerifier | None":
    """Return what checks the tokens of the issuer; None if there is none.

    Raises:
        ValueError: There is one, but the library for it is not installed.
    """
    if not sign_in.issuer:
        return None
    if find_spec("jwt") is None:
        raise ValueError("OpenID Connect needs PyJWT: run `pip install 'qai-hub-openapi[oidc]'`")
    from qai_hub.local.server.oidc import TokenVerifier

    return TokenVerifier(sign_in)


def _start_jobs(
    parts: Parts,
    config: HubConfig,
    run_attempt: RunAttempt | None,
    waiters: Waiters,
    pools: PoolWatch,
    stack: ExitStack,
) -> Callable[[], None]:
    """Start to run jobs, unless that is left to other processes; return what warms up for them."""
    heartbeat = parts.heartbeat
    if heartbeat is not None:
        heartbeat.at_each_beat(partial(_wake_waiters, parts.store, waiters))
        heartbeat.at_each_beat(pools.warn)
    if config.max_parallel_jobs == 0 and heartbeat is not None:
        heartbeat.start()
        stack.callback(heartbeat.stop)
        return lambda: None
    scheduler, warm_up = make_scheduler(parts, config, run_attempt, stack)
    scheduler.start()
    stack.callback(scheduler.stop)
    return warm_up


def _wake_waiters(store: Store, waiters: Waiters) -> None:
    """Wake the requests that wait for jobs of whose end no event has told."""
    waited_for = waiters.job_ids()
    if waited_for:
        with store.read() as db:
            found = JOBS.get_many(db, waited_for).values()
        waiters.notify([job.id for job in found if job.state in FINISHED_STATES])
