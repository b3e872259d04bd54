"""`qai-hub serve`: runs a local hub until it is interrupted."""

import argparse
import dataclasses
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qai_hub.cli.common import (
    USERS_VARIABLE,
    CommandError,
    User,
    add_data_dir,
    add_profile,
    parse_user,
    parse_users,
    print_error,
    print_line,
    read_secret_file,
    users_from_environment,
)
from qai_hub.config import ClientConfig, load_config, profile_path, save_config
from qai_hub.errors import UserError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from qai_hub.local import LocalHub

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


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "serve",
        help="run a local hub",
        description="Run a local hub, which runs its jobs on this machine, until it is stopped.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_setting_parser("port", int), default=8642, help="TCP port (%(default)s)"
    )
    add_data_dir(parser)
    parser.add_argument(
        "--user",
        metavar="EMAIL[=TOKEN]",
        type=_parse_user,
        action="append",
        default=[],
        help="a user, optionally with a token, which process lists such as ps show; may be "
        "repeated (user@localhost)",
    )
    parser.add_argument(
        "--users-file",
        metavar="FILE",
        help="file of users that only you can read, one EMAIL or EMAIL=TOKEN per line; - for "
        f"standard input. {USERS_VARIABLE} may name users as well",
    )
    parser.add_argument(
        "--keep-users",
        action="store_true",
        help="keep users whom an earlier start named",
    )
    add_profile(
        parser,
        "profile to write for the first user (local); others get NAME-EMAIL",
    )
    parser.add_argument(
        "--job-timeout",
        metavar="SECONDS",
        type=_setting_parser("job_timeout", float),
        default=3600.0,
        help="seconds that a job may run before it fails (%(default)g)",
    )
    parser.add_argument(
        "--max-parallel-jobs",
        metavar="N",
        type=_setting_parser("max_parallel_jobs", int),
        help="jobs to run at once (one per core)",
    )
    parser.add_argument(
        "--max-queued-jobs",
        metavar="N",
        type=_setting_parser("max_queued_jobs", int),
        default=10_000,
        help="queued jobs that one user may have (%(default)s)",
    )
    parser.add_argument(
        "--max-unfinished-uploads",
        metavar="N",
        type=_setting_parser("max_unfinished_uploads", int),
        default=1_000,
        help="unfinished uploads that one user may have (%(default)s)",
    )
    parser.add_argument(
        "--memory-limit",
        metavar="MIB",
        type=_setting_parser("memory_limit", int, 1 << 20),
        help="address space that a job may use, in MiB (no limit)",
    )
    parser.add_argument(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="produce target models again instead of using the cache",
    )
    parser.add_argument(
        "--no-target-check",
        dest="check_targets",
        action="store_false",
        help="do not compare target models for QNN with their source models in simulation",
    )
    parser.add_argument(
        "--no-layer-analysis",
        dest="analyze_layers",
        action="store_false",
        help="do not measure the layers of quantized models",
    )
    parser.add_argument(
        "--log-level", choices=_LEVELS, default="warning", help="what to log (%(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    missing = [name for name in _REQUIRED_MODULES if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"The local hub needs {', '.join(missing)}: pip install 'qai-hub-openapi[local]'"
        )
    from qai_hub.local.server.run import ListenError
    from qai_hub.local.store import DataFolderError

    profile = options.profile or "local"
    _refuse_remote_profile(profile)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    with _stop_signals() as receiver:
        try:
            hub = _start_hub(options, _collect_users(options))
        except (DataFolderError, ValueError) as error:
            raise CommandError(str(error)) from error
        except ListenError as error:
            text = f"Port {options.port} of {options.host}"
            if error.errno == errno.EADDRINUSE:
                text += " is in use: stop the program that uses it, or choose another with --port."
            else:
                text += f" cannot be opened: {error.strerror}."
            raise CommandError(text) from error
        except OSError as error:
            if error.filename is not None or error.strerror is None:
                raise
            # A full disk, for instance, is reported without a path.
            raise CommandError(f"{options.data_dir}: {error.strerror}.") from error
        try:
            _print_startup(hub, options, profile)
            receiver.recv(1)
            # A second Ctrl+C interrupts the shutdown.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        finally:
            hub.stop()
    print_line("Stopped. Unfinished jobs continue at the next start.")
    return 0


def _collect_users(options: argparse.Namespace) -> list[User]:
    """Return the users from the arguments, the file and the environment."""
    users = [*options.user]
    for source, read in (
        (USERS_VARIABLE, users_from_environment),
        (options.users_file, lambda: parse_users(read_secret_file(options.users_file))),
    ):
        if source is None:
            continue
        try:
            users += read()
        except ValueError as error:
            raise CommandError(f"{source}: {error}.") from error
    return users


def _start_hub(options: argparse.Namespace, users: list[User]) -> "LocalHub":
    from qai_hub.local import LocalHub
    from qai_hub.local.config import HubConfig, count_cores, normalize_users
    from qai_hub.local.core.account_changes import merge_users

    config = HubConfig(
        data_dir=options.data_dir.expanduser(),
        host=options.host,
        port=options.port,
        users=normalize_users(merge_users(users)),
        keep_users=options.keep_users,
        max_parallel_jobs=options.max_parallel_jobs or count_cores(),
        job_timeout=options.job_timeout,
        memory_limit=options.memory_limit,
        cache=options.cache,
        check_targets=options.check_targets,
        analyze_layers=options.analyze_layers,
        max_queued_jobs=options.max_queued_jobs,
        max_unfinished_uploads=options.max_unfinished_uploads,
    )
    return LocalHub.from_config(config).start()


def _print_startup(hub: "LocalHub", options: argparse.Namespace, profile: str) -> None:
    from qai_hub.local.engine.sandbox import describe_sandbox
    from qai_hub.local.frameworks import format_capabilities

    print_line(f"Local hub at {hub.url}, data in {options.data_dir.expanduser()}")
    kept = hub.quarantined
    if kept.count:
        print_line(f"In quarantine: {kept.count} ({kept.size / 1e6:.1f} MB), in {kept.folder}")
    for index, email in enumerate(hub.emails):
        name = profile if index == 0 else f"{profile}-{email}"
        path = _ensure_profile(hub, email, name)
        print_line(f'  {email}: hub.Client(profile="{name}"), from {path}')
    print_line("What it can do on this machine:")
    for line in format_capabilities():
        print_line(f"  {line}")
    print_line(describe_sandbox())
    if urlsplit(hub.url).hostname not in ("127.0.0.1", "localhost", "::1") or options.host in (
        "",
        "0.0.0.0",  # noqa: S104 - compared, not bound
        "::",
    ):
        print_error("others can reach this hub unencrypted: put a TLS proxy in front of it")
    print_line("Ctrl+C stops it.")


def _ensure_profile(hub: "LocalHub", email: str, name: str) -> Path:
    """Write a profile that connects a user to the hub, unless it already does; return its path."""
    known = _read_profile(name)
    is_valid = known is not None and hub.is_token_of(known.api_token, email)
    if known is not None and is_valid and known.api_url == hub.url:
        return profile_path(name)
    _refuse_remote_profile(name)
    if known is not None and is_valid:
        # Only the port has changed. The token is kept: otherwise, each start would add one.
        return save_config(dataclasses.replace(known, api_url=hub.url, web_url=hub.url), name)
    return save_config(dataclasses.replace(hub.config(email), verbose=True), name)


def _refuse_remote_profile(name: str) -> None:
    """Refuse to overwrite a profile for a hub on another machine."""
    known = _read_profile(name)
    if known is not None and not _is_local(known.api_url):
        raise CommandError(
            f"The profile {name!r} is for {known.api_url}: choose another name with --profile."
        )


def _read_profile(name: str) -> ClientConfig | None:
    try:
        return load_config(name)
    except FileNotFoundError:
        return None
    except UserError as error:
        raise CommandError(f"{error} Correct it, or choose another name with --profile.") from error


def _is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


@contextmanager
def _stop_signals() -> Iterator[socket.socket]:
    """Make the signals that stop the hub send a byte to a socket.

    Waiting in Python, for example for an Event, would miss a signal that arrives just before.

    Yields:
        The socket to wait on.
    """
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Closing the terminal stops the hub too, unless it was started by nohup.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
        numbers.append(hangup)
    with receiver, sender:
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            for number in numbers:
                signal.signal(number, lambda _number, _frame: None)
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)


def _parse_user(text: str) -> User:
    try:
        return parse_user(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _setting_parser(
    name: str, kind: Callable[[str], float], unit: int = 1
) -> Callable[[str], float]:
    """Return a function that parses and validates the value of a numeric setting of the hub."""

    def read(text: str) -> float:
        from qai_hub.local.config import check_range

        try:
            value = kind(text)
        except ValueError:
            wanted = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"{text!r} is not a {wanted}") from None
        try:
            check_range(name, value, unit)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value * unit

    return read
