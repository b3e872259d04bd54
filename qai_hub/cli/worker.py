"""`qai-hub worker`: runs jobs of a hub of several processes until it is stopped."""

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from qai_hub.cli.common import print_line
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.hub_process import (
    DATABASE_VARIABLE,
    ProcessOptions,
    SettingType,
    database_option,
    describe_place,
    end_at_next_signal,
    prepare_process,
    print_capabilities,
    process_options,
    receive_signals,
    refusals,
)
from qai_hub.cli.parameters import SecondsType, data_dir_option

if TYPE_CHECKING:
    from qai_hub.local.worker import HubWorker

# How often to look whether the running jobs have ended.
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class WorkerOptions(ProcessOptions):
    """The options of the command, by their names."""

    slots: int | None
    drain: float


@click.command(
    cls=HubCommand,
    examples=[
        (
            "Run jobs beside `qai-hub serve` with the same database and folder",
            "worker --database postgresql://hub@db.example.com/hub --data-dir /srv/hub",
        ),
        (
            "Two at once, with ten minutes to end when it is stopped",
            "worker --database postgresql:///hub --data-dir /srv/hub --slots 2 --drain 600",
        ),
    ],
)
@data_dir_option
@database_option
@click.option(
    "--slots",
    metavar="N",
    type=SettingType("max_parallel_jobs"),
    help="Jobs to run at once; one per core if absent.",
)
@click.option(
    "--drain",
    metavar="SECONDS",
    type=SecondsType(),
    default=30.0,
    show_default=True,
    help="Seconds that running jobs may take to end when it is stopped.",
)
@process_options
def worker(**given: Any) -> int:  # noqa: ANN401 - as WorkerOptions names them
    """Run jobs of a hub whose database and data folder other processes use as well.

    When it is stopped, it starts no more jobs and lets running ones end. Other processes take up
    the rest. A second signal stops it at once.
    """
    options = WorkerOptions(**given)
    if options.database is None:
        raise click.UsageError(f"Name the hub's database by --database or {DATABASE_VARIABLE}.")
    if options.slots == 0:
        raise click.UsageError("--slots must be 1 or more.")
    prepare_process(options)
    with receive_signals() as receiver, refusals():
        running = _start_worker(options)
        try:
            _print_startup(running, options)
            receiver.recv(1)
            _drain(running, options.drain, receiver)
        finally:
            running.stop()
    print_line("Stopped. Unfinished jobs continue in other processes.")
    return 0


def _start_worker(options: WorkerOptions) -> "HubWorker":
    from qai_hub.local.config import HubConfig, count_cores
    from qai_hub.local.worker import HubWorker

    slots = count_cores() if options.slots is None else options.slots
    return HubWorker(HubConfig(**options.settings(), max_parallel_jobs=slots)).start()


def _print_startup(running: "HubWorker", options: WorkerOptions) -> None:
    print_line(f"Worker {running.name}, {describe_place(options)}")
    at_once = "1 job at a time" if running.slots == 1 else f"{running.slots} jobs at once"
    print_line(f"It runs {at_once}.")
    print_capabilities()
    print_line(
        f"Ctrl+C stops it, and lets running jobs end for up to {options.drain:g} s; a second one "
        "stops it at once."
    )


def _drain(running: "HubWorker", seconds: float, receiver: socket.socket) -> None:
    """Lets running jobs end, unless there is a second signal."""
    print_line("Starting no more jobs.")
    # In a thread of its own: an exception from a signal's handler would make Python take the
    # threads of jobs, for whose end this waits, for ended ones.
    draining = threading.Thread(target=running.drain, args=(seconds,), daemon=True)
    draining.start()
    receiver.settimeout(_POLL_SECONDS)
    while draining.is_alive():
        with suppress(TimeoutError):
            receiver.recv(1)
            break
    end_at_next_signal()
