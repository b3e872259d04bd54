"""What the commands that run a process of a hub share: `qai-hub serve` and `qai-hub worker`."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from qai_hub.cli.common import CommandError, print_line
from qai_hub.cli.logs import configure_logging, log_format_option
from qai_hub.cli.slips import Choice

F = TypeVar("F", bound=Callable[..., Any])

DATABASE_VARIABLE = "QAI_HUB_DATABASE"
"""Names the database, so that its password is in no list of processes."""

_REQUIRED_MODULES = (
    "alembic",
    "itsdangerous",
    "jsonschema_rs",
    "multipart",
    "onnx",
    "onnxruntime",
    "sqlalchemy",
    "starlette",
    "uvicorn",
)
_LEVELS = ("debug", "info", "warning", "error")


class SettingType(click.ParamType[float]):
    """The value of a numeric setting of the hub.

    Args:
        setting: The setting, a field of `HubConfig`.
        kind: Type of the number.
        unit: How many units of the field one unit of the value is.
    """

    name = "number"

    def __init__(self, setting: str, kind: Callable[[str], float] = int, unit: int = 1) -> None:
        self._setting = setting
        self._kind = kind
        self._unit = unit

    def convert(
        self,
        value: Any,  # noqa: ANN401 - what click gives
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Reads and checks the number."""
        from qai_hub.local.config import check_range

        try:
            number = self._kind(value)
        except ValueError:
            wanted = "whole number" if self._kind is int else "number"
            self.fail(f"{value!r} is not a {wanted}.", param, ctx)
        try:
            check_range(self._setting, number, self._unit)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        return number * self._unit


@dataclass(frozen=True)
class ProcessOptions:
    """The options that each process of a hub takes, by their names."""

    # It may contain a password.
    database: str | None = field(repr=False)
    data_dir: Path
    files: str | None
    executor: str
    labels: tuple[str, ...] | None
    lease: float
    job_timeout: float
    memory_limit: int | None
    cache: bool
    check_targets: bool
    analyze_layers: bool
    strict_versions: bool
    warm_workers: bool
    metrics: bool
    traces: bool
    log_level: str
    log_format: str

    @property
    def folder(self) -> Path:
        """The data folder."""
        return self.data_dir.expanduser()

    def settings(self) -> dict[str, Any]:
        """Returns the fields of `HubConfig` that they set."""
        return {
            "database": self.database,
            "data_dir": self.folder,
            "files": self.files,
            "executor": self.executor,
            "labels": self.labels,
            "lease": self.lease,
            "job_timeout": self.job_timeout,
            "memory_limit": self.memory_limit,
            "cache": self.cache,
            "check_targets": self.check_targets,
            "analyze_layers": self.analyze_layers,
            "strict_versions": self.strict_versions,
            "warm_workers": self.warm_workers,
            "metrics": self.metrics,
            "traces": self.traces,
        }


def _take_database(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Returns the URL from the option or the variable, which no child inherits."""
    named = os.environ.pop(DATABASE_VARIABLE, None)
    return value or named or None


def _parse_labels(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Returns the names in a list with commas; none of an empty one."""
    return None if value is None else tuple(filter(None, value.split(",")))


database_option = click.option(
    "--database",
    metavar="URL",
    callback=_take_database,
    help="PostgreSQL database that the processes of a hub share, such as "
    "postgresql://hub@db.example.com/hub. Process lists such as ps show a password in it: "
    f"{DATABASE_VARIABLE} may name it instead, and PGPASSWORD or ~/.pgpass have the password.",
)


def process_options(command: F) -> F:
    """Adds the options about jobs and logs to a command, as `ProcessOptions` names them."""
    for option in reversed(
        (
            click.option(
                "--files",
                metavar="URL",
                help="With a database: bucket of object storage for the files, such as "
                "s3://bucket/prefix?endpoint=https://s3.example.com; the data folder if absent.",
            ),
            click.option(
                "--executor",
                metavar="ADDRESS",
                default="local",
                show_default=True,
                help="Where jobs run: here, or on a Dask cluster, as in dask:tcp://scheduler:8786.",
            ),
            click.option(
                "--labels",
                metavar="NAMES",
                callback=_parse_labels,
                help="With a database: what this process offers to jobs, of big, qnn, tflite, "
                "torch and engine-NAME for each engine, with commas between them; all that it can "
                "if absent.",
            ),
            click.option(
                "--lease",
                metavar="SECONDS",
                type=SettingType("lease", float),
                default=20.0,
                show_default=True,
                help="With a database: seconds after which other processes take up the jobs of one "
                "that is not heard of.",
            ),
            click.option(
                "--job-timeout",
                metavar="SECONDS",
                type=SettingType("job_timeout", float),
                default=3600.0,
                show_default=True,
                help="Seconds that a job may run before it fails.",
            ),
            click.option(
                "--memory-limit",
                metavar="MIB",
                type=SettingType("memory_limit", unit=1 << 20),
                help="Address space that a job may use, in MiB; no limit if absent.",
            ),
            click.option(
                "--no-cache",
                "cache",
                is_flag=True,
                flag_value=False,
                default=True,
                help="Produce target models again instead of using the cache.",
            ),
            click.option(
                "--no-target-check",
                "check_targets",
                is_flag=True,
                flag_value=False,
                default=True,
                help="Do not compare target models with their source models.",
            ),
            click.option(
                "--no-layer-analysis",
                "analyze_layers",
                is_flag=True,
                flag_value=False,
                default=True,
                help="Do not measure how close the layers of quantized models are.",
            ),
            click.option(
                "--strict-versions",
                is_flag=True,
                help="Refuse jobs that name a version of QAIRT which this hub does not have, in "
                "place of using the nearest one.",
            ),
            click.option(
                "--cold-workers",
                "warm_workers",
                is_flag=True,
                flag_value=False,
                default=True,
                help="Start each job as a program of its own, which imports all it needs.",
            ),
            click.option(
                "--metrics",
                is_flag=True,
                help="Serve metrics for Prometheus at /metrics, to whoever can reach the process.",
            ),
            click.option(
                "--traces",
                is_flag=True,
                help="Send traces to the OpenTelemetry collector that OTEL_EXPORTER_OTLP_ENDPOINT "
                "names.",
            ),
            click.option(
                "--log-level",
                type=Choice(_LEVELS),
                default="warning",
                show_default=True,
                help="What to log.",
            ),
            log_format_option,
        )
    ):
        command = option(command)
    return command


def prepare_process(options: ProcessOptions) -> None:
    """Checks that the hub is installed, and sets up its log.

    Raises:
        CommandError: Something is missing.
    """
    missing = [name for name in _REQUIRED_MODULES if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"The local hub needs {', '.join(missing)}: run `pip install 'qai-hub-openapi[local]'`."
        )
    configure_logging(options.log_level, options.log_format)


def require_local_hub() -> None:
    """Checks that the database of a hub can be read.

    Raises:
        CommandError: The hub is not installed.
    """
    if find_spec("sqlalchemy") is None:
        raise CommandError(
            "The local hub needs sqlalchemy: run `pip install 'qai-hub-openapi[local]'`."
        )


@contextmanager
def refusals() -> Iterator[None]:
    """Says in one line what the hub's database or its settings refuse.

    Raises:
        CommandError: They refuse something.
    """
    from qai_hub.local.files.store import FilesUnavailableError
    from qai_hub.local.store import DatabaseError
    from qai_hub.local.store.dialect import DatabaseUnavailableError

    try:
        yield
    except (
        DatabaseError,
        DatabaseUnavailableError,
        FilesUnavailableError,
        ValueError,
    ) as error:
        raise CommandError(f"{str(error).rstrip('.')}.") from error


def describe_place(options: ProcessOptions) -> str:
    """Returns where a process keeps its data, without the password of the database."""
    if options.database is None:
        return f"data in {options.folder}"
    from qai_hub.local.store.postgresql import show_url

    return f"database {show_url(options.database)}, files in {options.files or options.folder}"


def print_capabilities() -> None:
    """Prints what jobs can do on this machine, and what isolates them."""
    from qai_hub.local.engine.sandbox import describe_sandbox
    from qai_hub.local.frameworks import describe_engines, format_capabilities

    print_line("What it can do on this machine:")
    for line in format_capabilities():
        print_line(f"  {line}")
    print_line(f"Engines: {describe_engines()}. `qai-hub engine list` lists all.")
    print_line(describe_sandbox())


def stop_signals() -> list[int]:
    """Returns the signals that stop a process of a hub."""
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    # Closing the terminal stops it too, unless it was started by nohup.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        numbers.append(hangup)
    return numbers


def end_at_next_signal() -> None:
    """Let another signal end the process at once: nothing that was acknowledged is lost by that.

    That a terminal closes does not count: the shell and the system may both tell of it.
    """
    for number in stop_signals():
        ends = number in (signal.SIGINT, signal.SIGTERM)
        signal.signal(number, signal.SIG_DFL if ends else signal.SIG_IGN)


@contextmanager
def receive_signals() -> Iterator[socket.socket]:
    """Make the signals that stop a process send a byte to a socket.

    Waiting in Python, for example for an Event, would miss a signal that arrives just before.

    Yields:
        The socket to wait on.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    with receiver, sender:
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        before = {
            number: signal.signal(number, lambda _number, _frame: None) for number in stop_signals()
        }
        try:
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
