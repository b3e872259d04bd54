"""`qai-hub check`: checks a model for a device on this machine."""

import argparse
import ast
import json
from typing import TYPE_CHECKING, Any

from qai_hub.cli.common import print_line

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_REFUSED = 1


def add_parser(commands: "_SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "check",
        help="check a model for a device",
        description="Check on this machine, without an upload, whether a model would compile for a "
        "device and where its operators would run. Exits with 1 if it would be refused.",
    )
    parser.add_argument("model", metavar="MODEL", help="path of the model")
    parser.add_argument("--device", metavar="NAME", required=True, help="name of the device")
    parser.add_argument("--device-os", metavar="VERSION", default="", help="its operating system")
    parser.add_argument(
        "--options", metavar="TEXT", default="", help="options of the compile job (none)"
    )
    parser.add_argument(
        "--input-specs",
        metavar="SPECS",
        type=_specs,
        help="shapes of the inputs, as a dictionary (those of the model)",
    )
    parser.add_argument(
        "--format", choices=("human", "json"), default="human", help="how to print (%(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    from qai_hub.client import Device
    from qai_hub.preflight import check_model

    check = check_model(
        options.model,
        Device(options.device, options.device_os),
        options=options.options,
        input_specs=options.input_specs,
    )
    if options.format == "json":
        print_line(json.dumps(check.to_dict(), indent=2))
    else:
        print_line(str(check))
    return 0 if check.ok else _REFUSED


def _specs(text: str) -> Any:  # noqa: ANN401 (checked as in Python)
    try:
        specs = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a dictionary") from error
    if not isinstance(specs, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a dictionary")
    # JSON has lists where Python has tuples.
    return {name: _tuples(spec) for name, spec in specs.items()}


def _tuples(value: object) -> object:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
