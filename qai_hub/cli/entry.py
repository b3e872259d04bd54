"""What the command `qai-hub` calls: the command itself takes a while to load.

Ctrl+C in that time, or while the process ends, would show a traceback of this package's imports.
"""

import os
import signal
import sys

from qai_hub.coexistence import describe_foreign_package

__all__ = ["main"]

_FAILED = 1
_INTERRUPTED = 130


def main() -> int:
    """Runs the command.

    Returns:
        The exit status.
    """
    # The command is loaded from files that may be missing.
    if problem := describe_foreign_package():
        sys.stderr.write(f"qai-hub: {problem}\n")
        return _FAILED
    # A background job of a shell ignores the signal, and goes on doing so.
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_usual:
        signal.signal(signal.SIGINT, _leave)
    from qai_hub.cli.main import main as run

    if is_usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED
    finally:
        if is_usual:
            signal.signal(signal.SIGINT, _leave)


def _leave(number: int, frame: object) -> None:
    # An exception might be swallowed, or come out of a module that is only half there.
    os._exit(_INTERRUPTED)
