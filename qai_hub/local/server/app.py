"""The application: its parts, and how they are put together."""

import tempfile
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from anyio.to_thread import current_default_thread_limiter
from starlette.routing import Router
from starlette.types import ASGIApp

from qai_hub.local.api import build_handlers
from qai_hub.local.api.context import Services
from qai_hub.local.clock import Clock, not_before
from qai_hub.local.config import HubConfig
from qai_hub.local.contract import Contract, build_routes
from qai_hub.local.core.account_changes import merge_users
from qai_hub.local.core.accounts import Accounts
from qai_hub.local.core.cleanup import clean_up
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.expiry import Expiry
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.local_executor import LocalExecutor, RunAttempt
from qai_hub.local.core.scheduler import Scheduler
from qai_hub.local.core.waiters import Waiters
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.engine.attempt import run_attempt as run_in_worker
from qai_hub.local.engine.workers import make_workers
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.quarantine import Quarantined
from qai_hub.local.files.signing import HubLinks, Signer
from qai_hub.local.files.streams import UploadWriters
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.limits import ServerLimits, raise_open_file_limit
from qai_hub.local.server.middleware import OuterMiddleware, not_found
from qai_hub.local.server.pages import page_routes
from qai_hub.local.server.run import ServerThread, allowed_hosts, listen, server_url
from qai_hub.local.store import DataFolderError
from qai_hub.local.store.events import Topic
from qai_hub.local.store.sqlite import SqliteStore


def make_app(
    services: Services,
    hosts: Collection[str] | None,
    limits: ServerLimits,
    *,
    validate_responses: bool,
) -> ASGIApp:
    """Create the web application of a hub.

    Args:
        services: What its handlers use.
        hosts: Host names that requests may be addressed to; None for any.
        limits: Limits on its connections.
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
        yield
        services.waiters.close()

    contract = services.contract
    api = build_routes(
        contract,
        build_handlers(services),
        services.accounts.authenticate,
        validate_responses=validate_responses,
    )
    router = Router(
        [*api, *page_routes(contract)],
        redirect_slashes=False,
        default=not_found,
        lifespan=lifespan,
    )
    return OuterMiddleware(
        router, hosts, head_bytes=limits.head_bytes, stall_seconds=limits.stall_seconds
    )


@dataclass(frozen=True, slots=True)
class RunningHub:
    """The parts of a running hub that `LocalHub` uses.

    Attributes:
        url: Scheme, host and port.
        accounts: The users.
        waiters: The requests that are waiting for a job to end.
        server: The web server.
        quarantined: What the quarantine held when the hub started.
    """

    url: str
    accounts: Accounts
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
        OSError: The port is in use, or the data folder cannot be written.
        ValueError: An address or a token of a user is invalid.
    """
    # Before anything is created.
    users = merge_users(config.users).items()
    folder = config.data_dir
    if folder is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qai-hub-")))
    listener = stack.enter_context(listen(config.host, config.port))
    store = SqliteStore(folder, durable=config.durable)
    stack.callback(store.close)
    try:
        storage = FolderStore(folder, durable=config.durable)
        work = WorkFolders(folder, durable=config.durable)
    except FileExistsError as error:
        raise DataFolderError(
            f"{error.filename} must be a folder: move that file away, or use another data folder."
        ) from error
    store.before_commit(storage.flush)
    cleanup = clean_up(store, storage, work, clock, config.retention)
    clock = not_before(clock, cleanup.agreed_time)
    accounts = Accounts(store, users, keep=config.keep_users)
    limits = config.limits or ServerLimits.within(raise_open_file_limit(), config.max_parallel_jobs)
    waiters = Waiters(limits.waits)
    store.subscribe(Topic.ENDED, waiters.notify)
    devices = DeviceCatalogue.load()
    workers = make_workers(warm=config.warm_workers and run_attempt is None)
    stack.callback(workers.close)
    digests = FileDigests(store, storage)
    digests.start()
    stack.callback(digests.stop)
    scheduler = Scheduler(
        store,
        storage,
        digests,
        work,
        clock,
        LocalExecutor(storage, work, run_attempt or partial(run_in_worker, workers=workers)),
        devices.get_soc,
        config,
    )
    writers = UploadWriters()
    expiry = Expiry(store, storage, writers, clock, config.retention)
    contract = Contract.load()
    signer = Signer(store.secret, clock, config.retention.signatures)
    services = Services(
        contract=contract,
        config=config,
        store=store,
        storage=storage,
        digests=digests,
        accounts=accounts,
        devices=devices,
        links=HubLinks(signer, contract.paths),
        writers=writers,
        lifecycle=Lifecycle(storage, work, clock, config.retention),
        signer=signer,
        waiters=waiters,
        clock=clock,
    )
    hosts = allowed_hosts(config.host, config.allowed_hosts)
    app = make_app(services, hosts, limits, validate_responses=config.validate_responses)
    scheduler.start()
    stack.callback(scheduler.stop)
    expiry.start()
    stack.callback(expiry.stop)
    server = ServerThread(app, listener, waiters.close, limits)
    server.start()
    stack.callback(server.stop)
    return RunningHub(
        server_url(config.host, listener),
        accounts,
        waiters,
        server,
        cleanup.quarantined,
        workers.warm_up,
    )
