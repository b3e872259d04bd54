"""The entry point of the command `qai-hub`, and what becomes of errors."""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import click

from qai_hub._version import __version__
from qai_hub.cli.common import CommandError, abandon_stream, print_error, print_info
from qai_hub.cli.groups import LazyEntry, LazyGroup, ReaderGoneError
from qai_hub.cli.invocation import Invocation
from qai_hub.closest import describe_place
from qai_hub.errors import Error
from qai_hub.next_steps import command_line

__all__ = ["cli", "main"]

# What scripts of completion set; click derives it from the name of the program.
_COMPLETION_VARIABLE = "_QAI_HUB_COMPLETE"
_FAILED = 1
_TIMED_OUT = 124
_INTERRUPTED = 130
# What a shell says of a program that a closed pipe has ended, or another signal.
_BROKEN_PIPE = 141
_SIGNALLED = 128

_ENTRIES = {
    "configure": LazyEntry(
        "qai_hub.cli.configure:configure", "Set-up", "Save the server and the token to use."
    ),
    "whoami": LazyEntry("qai_hub.cli.status:whoami", "Set-up", "Show the user of the token."),
    "status": LazyEntry(
        "qai_hub.cli.status:status", "Set-up", "Show the server, and what is under way there."
    ),
    "open": LazyEntry(
        "qai_hub.cli.open:open_pages", "Set-up", "Open the server's pages in a browser."
    ),
    "doctor": LazyEntry(
        "qai_hub.cli.doctor:doctor", "Set-up", "Examine the installation, for a bug report."
    ),
    "shim": LazyEntry("qai_hub.cli.shim:shim", "Set-up", "Stand in for the distribution qai-hub."),
    "completion": LazyEntry(
        "qai_hub.cli.completion_script:completion", "Set-up", "Print the completion of a shell."
    ),
    "submit": LazyEntry("qai_hub.cli.submit:submit", "Jobs", "Submit a job."),
    "job": LazyEntry("qai_hub.cli.job:job", "Jobs", "List, wait for, download and share jobs."),
    "check": LazyEntry(
        "qai_hub.cli.check:check", "Jobs", "Check on this machine whether a model would compile."
    ),
    "lock": LazyEntry(
        "qai_hub.cli.lock:lock", "Jobs", "Write what went into jobs, and repeat them from it."
    ),
    "model": LazyEntry(
        "qai_hub.cli.model:model", "What jobs use", "Upload, list, download and share models."
    ),
    "dataset": LazyEntry(
        "qai_hub.cli.dataset:dataset", "What jobs use", "Upload, list, download and share datasets."
    ),
    "device": LazyEntry("qai_hub.cli.device:device", "What jobs use", "List and show devices."),
    "framework": LazyEntry(
        "qai_hub.cli.device:framework", "What jobs use", "List the runtimes that jobs can request."
    ),
    "serve": LazyEntry("qai_hub.cli.serve:serve", "Local hub", "Run a local hub."),
    "worker": LazyEntry(
        "qai_hub.cli.worker:worker", "Local hub", "Run jobs of a hub of several processes."
    ),
    "engine": LazyEntry(
        "qai_hub.cli.engine:engine", "Local hub", "List, install and remove its engines."
    ),
    "users": LazyEntry(
        "qai_hub.cli.users:users", "Local hub", "List, add, renew and revoke its users."
    ),
    "admin": LazyEntry(
        "qai_hub.cli.admin:admin", "Local hub", "Upgrade, back up, restore and clean its data."
    ),
    **{
        name: LazyEntry(
            f"qai_hub.cli.official:{name.replace('-', '_')}", "As in the official command", text
        )
        for name, text in (
            ("list-devices", "List devices."),
            ("list-frameworks", "List the runtimes that jobs can request."),
            ("upload-model", "Upload a model."),
            ("submit-compile-job", "Submit a compile job."),
            ("submit-profile-job", "Submit an inference job that profiles (deprecated)."),
            ("submit-inference-job", "Submit an inference job."),
            ("submit-link-job", "Submit a link job."),
            ("submit-compile-and-profile-jobs", "Submit a compile and a profile job (deprecated)."),
        )
    },
}


@click.group(
    "qai-hub",
    cls=LazyGroup,
    entries=_ENTRIES,
    no_args_is_help=False,
    invoke_without_command=True,
    examples=[
        ("Run a local hub, and use it", "serve"),
        (
            "Compile a model, and wait until it is done",
            'submit compile model.onnx --device "Samsung Galaxy S24" --wait',
        ),
        ("Look at the latest jobs", "job list"),
    ],
)
@click.version_option(
    __version__, "-V", "--version", prog_name="qai-hub", message="%(prog)s %(version)s"
)
@click.pass_context
def cli(context: click.Context) -> None:
    """A client for Qualcomm AI Hub, and a local hub. Not affiliated with Qualcomm."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command-line arguments; None for those of this process.

    Returns:
        The exit status: 0 for success, 1 for failure, 2 for wrong usage, 124 when time ran out,
        130 when interrupted.

    Raises:
        SystemExit: A signal has ended the command.
    """
    _load_completion()
    invocation = Invocation()
    with _unwinding_signals(), command_line():
        try:
            status = cli.main(
                None if arguments is None else list(arguments),
                prog_name="qai-hub",
                complete_var=_COMPLETION_VARIABLE,
                standalone_mode=False,
                obj=invocation,
            )
        except _ENDINGS as error:
            return _report(error, invocation)
    return status if isinstance(status, int) else 0


@contextmanager
def _unwinding_signals() -> Iterator[None]:
    """Lets signals that end the command do so as Ctrl+C does: files and lines are cleaned up."""
    numbers = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    # nohup has others ignored. Only the main thread can set any.
    is_main = threading.current_thread() is threading.main_thread()
    own = [each for each in numbers if is_main and signal.getsignal(each) == signal.SIG_DFL]
    for number in own:
        signal.signal(number, _unwind)
    try:
        yield
    finally:
        for number in own:
            signal.signal(number, signal.SIG_DFL)


def _unwind(number: int, frame: object) -> None:
    # A second one ends the process at once.
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(_SIGNALLED + number)


_ENDINGS = (
    click.exceptions.Exit,
    click.exceptions.Abort,
    click.ClickException,
    KeyboardInterrupt,
    ReaderGoneError,
    CommandError,
    Error,
    OSError,
)


def _report(error: BaseException, invocation: Invocation) -> int:
    """Tells of what has ended the command, and returns the exit status."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        # click raises the one in place of the other.
        for note in getattr(error.__cause__ or error, "__notes__", ()):
            print_error(note)
        return _INTERRUPTED
    if isinstance(error, ReaderGoneError):
        if sys.stdout is not None:
            abandon_stream(sys.stdout)
        return _BROKEN_PIPE
    if isinstance(error, click.UsageError):
        _show_usage_error(error)
        return error.exit_code
    if invocation.debug:
        print_info(_format_traceback(error))
    print_error(_format_os_error(error) if isinstance(error, OSError) else str(error))
    for note in getattr(error, "__notes__", ()):
        print_error(note)
    return _TIMED_OUT if isinstance(error, TimeoutError) else _FAILED


def _format_traceback(error: BaseException) -> str:
    """Returns the traceback of an error, with the causes that are usually left out."""
    cause: BaseException | None = error
    while cause is not None:
        cause.__suppress_context__ = False
        cause = cause.__cause__ or cause.__context__
    return "".join(traceback.format_exception(error)).rstrip()


def _show_usage_error(error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print_info(error.format_message())
        return
    if error.ctx is not None:
        print_info(error.ctx.get_usage())
    print_error(_as_sentence(error.format_message()))


def _load_completion() -> None:
    if _COMPLETION_VARIABLE in os.environ:
        # Its classes for shells take the place of click's.
        import_module("qai_hub.cli.completion")
        # Warnings would appear in the line that somebody types.
        logging.disable()


def _as_sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", ")")) else f"{text}."


def _format_os_error(error: OSError) -> str:
    place = error.filename2 or error.filename
    if error.strerror is None:
        return str(error)
    if isinstance(error, FileNotFoundError) and isinstance(place, str) and Path(place).is_symlink():
        # The name itself is there.
        return f"{place} is {describe_place(Path(place))}."
    return f"{place}: {error.strerror}." if place else f"{error.strerror}."
