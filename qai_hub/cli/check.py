"""`qai-hub check`: checks a model for a device on this machine."""

from typing import Any

import click

from qai_hub.cli.common import print_line
from qai_hub.cli.completion import complete_devices, complete_models_or_files
from qai_hub.cli.groups import HubCommand
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import layout_option, to_json
from qai_hub.cli.parameters import input_specs_option, local_model

_REFUSED = 1


@click.command(
    cls=HubCommand,
    examples=[
        ("What would run where", 'check model.onnx --device "Samsung Galaxy S24"'),
        (
            "For a runtime, as JSON",
            (
                'check model.onnx --device "RB3 Gen 2 (Proxy)" '
                '--options "--target_runtime qnn_dlc" --format json'
            ),
        ),
    ],
)
@click.argument("model", shell_complete=complete_models_or_files)
@click.option(
    "--device",
    metavar="NAME",
    required=True,
    shell_complete=complete_devices,
    help="Name of the device.",
)
@click.option("--device-os", metavar="VERSION", default="", help="Its operating system.")
@click.option("--options", metavar="TEXT", default="", help="Options of the compile job.")
@input_specs_option(
    "--input-specs",
    "--input_specs",
    help="Shapes of the inputs, as a dictionary; those of the model if absent.",
)
@layout_option
@click.pass_obj
def check(
    invocation: Invocation,
    model: str,
    device: str,
    device_os: str,
    options: str,
    input_specs: dict[str, Any] | None,
    layout: str,
) -> int:
    """Check on this machine whether MODEL would compile for a device, and what would run where.

    MODEL is a file; or the identifier of a model on the hub, or of the job that produces it, and is
    downloaded. Nothing is uploaded. Exits with 1 if the model would be refused.
    """
    from qai_hub.client import Device
    from qai_hub.preflight import check_model

    with local_model(invocation, model) as path:
        result = check_model(
            str(path), Device(device, device_os), options=options, input_specs=input_specs
        )
    print_line(to_json(result.to_dict(), indent=2) if layout == "json" else str(result))
    return 0 if result.ok else _REFUSED
