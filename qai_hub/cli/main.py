"""The entry point of the command `qai-hub`."""

import argparse
from collections.abc import Sequence

from qai_hub._version import __version__
from qai_hub.cli import check, configure, serve, users
from qai_hub.cli.common import CommandError, print_error
from qai_hub.errors import Error

_COMMANDS = (check, configure, serve, users)
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command-line arguments; None for those of this process.

    Returns:
        The exit status: 0 for success, 1 for failure, 2 for wrong usage, 130 when interrupted.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except (CommandError, Error) as error:
        print_error(str(error))
        return 1
    except OSError as error:
        print_error(_format_os_error(error))
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _format_os_error(error: OSError) -> str:
    place = error.filename2 or error.filename
    if error.strerror is None:
        return str(error)
    return f"{place}: {error.strerror}." if place else f"{error.strerror}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="qai-hub",
        description="A client for Qualcomm AI Hub, and a local hub. Not affiliated with Qualcomm.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--profile", metavar="NAME", help="profile to use: a file NAME.ini in ~/.qai_hub"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
