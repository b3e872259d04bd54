"""The parts of a hub that all its processes have: those that answer requests, and workers."""

import os
import socket
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from qai_hub._version import __version__
from qai_hub.local.clock import Clock, not_before, rfc3339
from qai_hub.local.config import HubConfig
from qai_hub.local.core.cleanup import clean_up
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.executor import Executor
from qai_hub.local.core.heartbeat import Heartbeat
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.local_executor import LocalExecutor, RunAttempt
from qai_hub.local.core.needs import offered_labels
from qai_hub.local.core.scheduler import Scheduler
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.engine.attempt import run_attempt as run_in_worker
from qai_hub.local.engine.workers import Workers, make_workers
from qai_hub.local.executor_address import DaskAddress, parse_executor
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.quarantine import Quarantined
from qai_hub.local.files.shared_folder import SharedFolderStore
from qai_hub.local.files.store import DirectUploads, FileStore, UploadReceiver
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import DataFolderError, Store
from qai_hub.local.store.data_folder import claim_folder, claim_shared_folder
from qai_hub.local.store.nodes import Node
from qai_hub.local.store.opening import open_postgresql
from qai_hub.local.store.records import new_id
from qai_hub.local.store.sqlite import SqliteStore
from qai_hub.local.tracing import NO_TRACES, Tracer


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a process.

    Attributes:
        store: The database.
        storage: The files.
        receiver: Stores uploads that the hub receives; None if a service receives them.
        direct: The uploads of that service; None if the hub receives them.
        digests: Their digests.
        work: The folders of the attempts of this process.
        clock: Returns the current time.
        lifecycle: The steps of jobs.
        devices: The devices that jobs can name.
        workers: Starts worker processes on this machine.
        heartbeat: Tells other processes of this one; None if it is the only one.
        quarantined: What the quarantine held at the start.
        tracer: Records what it does for requests and jobs.
    """

    store: Store
    storage: FileStore
    receiver: UploadReceiver | None
    direct: DirectUploads | None
    digests: FileDigests
    work: WorkFolders
    clock: Clock
    lifecycle: Lifecycle
    devices: DeviceCatalogue
    workers: Workers
    heartbeat: Heartbeat | None
    quarantined: Quarantined
    tracer: Tracer


def open_parts(config: HubConfig, clock: Clock, role: str, stack: ExitStack) -> Parts:
    """Open the database and the files.

    Args:
        config: The hub's configuration.
        clock: Returns the current time.
        role: `web` or `worker`.
        stack: Collects the callbacks that close them.

    Raises:
        DatabaseError: The database cannot be used.
        DataFolderError: The data folder cannot be used.
        OSError: The data folder cannot be written, or the storage of the files cannot be reached.
        ValueError: The process is to offer a label that this machine cannot, the URL of the storage
            is wrong, there are no credentials for it, or traces cannot be sent as they should.
    """
    tracer = _open_tracer(role, stack) if config.traces else NO_TRACES
    folder = config.data_dir
    if folder is None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qai-hub-")))
    node = None
    if config.database is None:
        store: Store = SqliteStore(folder, durable=config.durable)
        stack.callback(store.close)
        own_folder = folder
    else:
        store = open_postgresql(config.database)
        stack.callback(store.close)
        claim_folder(folder, durable=True)
        if config.files is None:
            with store.write() as db:
                claim_shared_folder(db, folder, store.secret)
        node = _make_node(config, clock, role)
        own_folder = folder / "nodes" / node.id
    try:
        own_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        local = None if config.files else _open_folder(config, folder)
        work = WorkFolders(own_folder, durable=config.durable)
    except FileExistsError as error:
        raise DataFolderError(
            f"{error.filename} must be a folder: move that file away, or use another data folder."
        ) from error
    storage, direct = (
        (local, None) if local else _open_bucket(config, store, folder, own_folder, stack)
    )
    store.before_commit(storage.flush)
    quarantined = Quarantined(folder / "quarantine", 0, 0)
    if node is None and local is not None:
        # No other process uses the folder: what its database does not know, nobody knows.
        cleanup = clean_up(store, local, work, clock, config.retention)
        clock = not_before(clock, cleanup.agreed_time)
        quarantined = cleanup.quarantined
    else:
        stack.callback(work.remove_all)
    lifecycle = Lifecycle(storage, work, clock, config.retention)
    digests = FileDigests(store, storage)
    digests.start()
    stack.callback(digests.stop)
    # A process that runs no jobs here has few workers to start.
    runs_jobs = config.max_parallel_jobs > 0 and parse_executor(config.executor) is None
    workers = make_workers(warm=config.warm_workers and runs_jobs)
    stack.callback(workers.close)
    return Parts(
        store=store,
        storage=storage,
        receiver=local,
        direct=direct,
        digests=digests,
        work=work,
        clock=clock,
        lifecycle=lifecycle,
        devices=DeviceCatalogue.load(),
        workers=workers,
        heartbeat=None if node is None else Heartbeat(store, lifecycle, node, config.lease),
        quarantined=quarantined,
        tracer=tracer,
    )


def make_scheduler(
    parts: Parts, config: HubConfig, run_attempt: RunAttempt | None, stack: ExitStack
) -> tuple[Scheduler, Callable[[], None]]:
    """Create what runs jobs in this process.

    Args:
        parts: The parts of the process.
        config: The hub's configuration.
        run_attempt: Carries out attempts; if None, worker processes do.
        stack: Collects the callbacks that close it.

    Returns:
        The scheduler, not started, and what imports beforehand all that jobs need.
    """
    executor, warm_up = _make_executor(parts, config, run_attempt, stack)
    scheduler = Scheduler(
        parts.store,
        parts.storage,
        parts.digests,
        parts.work,
        parts.clock,
        executor,
        parts.devices.get_soc,
        config,
        parts.heartbeat,
        parts.tracer,
    )
    return scheduler, warm_up


def _make_executor(
    parts: Parts, config: HubConfig, run_attempt: RunAttempt | None, stack: ExitStack
) -> tuple[Executor, Callable[[], None]]:
    """Create what carries out attempts; return it, and what imports beforehand all that they need.

    Raises:
        ValueError: The Dask cluster cannot be used.
    """
    address = parse_executor(config.executor)
    if address is not None and run_attempt is None:
        return _open_dask(address, parts, config, stack), lambda: None
    run = run_attempt or partial(run_in_worker, workers=parts.workers)
    warm_up = parts.workers.warm_up if run_attempt is None else lambda: None
    return LocalExecutor(parts.storage, parts.work, run), warm_up


def _open_dask(address: DaskAddress, parts: Parts, config: HubConfig, stack: ExitStack) -> Executor:
    if find_spec("distributed") is None:
        raise ValueError("a Dask cluster needs Dask: run `pip install 'qai-hub-openapi[dask]'`")
    from qai_hub.local.core.dask_executor import DaskExecutor

    executor = DaskExecutor(address, parts.storage, parts.work, warm=config.warm_workers)
    stack.callback(executor.close)
    executor.open()
    return executor


def _open_tracer(role: str, stack: ExitStack) -> Tracer:
    try:
        from qai_hub.local.tracing.otlp import OtlpTracer
    except ModuleNotFoundError as error:
        raise ValueError(
            "traces need OpenTelemetry: run `pip install 'qai-hub-openapi[otel]'`"
        ) from error
    tracer = OtlpTracer(role)
    stack.callback(tracer.close)
    return tracer


def _open_folder(config: HubConfig, folder: Path) -> FolderStore:
    kind = FolderStore if config.database is None else SharedFolderStore
    return kind(folder, durable=config.durable)


def _open_bucket(
    config: HubConfig, store: Store, folder: Path, own_folder: Path, stack: ExitStack
) -> tuple[FileStore, DirectUploads | None]:
    from qai_hub.local.core.bucket_claim import claim_bucket
    from qai_hub.local.files.bucket import Bucket, BucketUrl
    from qai_hub.local.files.cache import FileCache
    from qai_hub.local.files.s3 import S3Store
    from qai_hub.local.files.s3_uploads import S3Uploads

    bucket = Bucket(BucketUrl.parse(config.files or ""))
    stack.callback(bucket.close)
    uploads = S3Uploads(bucket, config.retention.signatures)
    cache = FileCache(folder / "cache", config.file_cache_size)
    storage = S3Store(bucket, uploads, cache, own_folder / "inputs")
    storage.check()
    claim_bucket(store, bucket)
    return storage, uploads


def _make_node(config: HubConfig, clock: Clock, role: str) -> Node:
    return Node(
        id=new_id("n", 12),
        name=f"{socket.gethostname()}:{os.getpid()}",
        role=role,
        version=__version__,
        slots=config.max_parallel_jobs,
        started=rfc3339(clock()),
        labels=offered_labels(config.labels) if config.max_parallel_jobs else "",
    )
