"""`qai-hub device` and `qai-hub framework`: what jobs can run on, and with which runtimes."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from qai_hub.cli.common import CommandError
from qai_hub.cli.completion import complete_attributes, complete_devices
from qai_hub.cli.groups import HubGroup
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.output import Field, output_options, print_record, print_rows
from qai_hub.device_mismatch import explain_mismatch

if TYPE_CHECKING:
    from qai_hub.client import Device


def attribute_values(device: "Device", key: str) -> list[str]:
    """Returns the values of an attribute of a device, such as its chipsets."""
    attributes = [device.attributes] if isinstance(device.attributes, str) else device.attributes
    return [each.partition(":")[2] for each in attributes if each.startswith(f"{key}:")]


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keeps warnings of the client back, where an error says the same."""
    from qai_hub.client.fetch import logger

    logger.addFilter(_is_no_warning)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_warning)


def _is_no_warning(record: logging.LogRecord) -> bool:
    return record.levelno != logging.WARNING


def _value_of(key: str, spare: int) -> "Field":
    return Field(key, lambda device: ", ".join(attribute_values(device, key)), spare=spare)


def _os_text(device: "Device") -> str:
    return f"{' '.join(attribute_values(device, 'os'))} {device.os}".strip()


DEVICE_FIELDS = (
    Field("name", lambda device: device.name, keep_whole=True),
    Field("os", _os_text, keep_whole=True),
    _value_of("vendor", spare=4),
    _value_of("format", spare=3),
    Field("chipset", lambda device: attribute_values(device, "chipset"), least=24, spare=1),
    _value_of("hexagon", spare=2),
    Field("framework", lambda device: attribute_values(device, "framework"), least=17, spare=5),
    Field("attributes", lambda device: list(device.attributes), in_table=False),
)

FRAMEWORK_FIELDS = (
    Field("name", lambda framework: framework.name),
    Field("api_version", lambda framework: framework.api_version),
    Field("api_tags", lambda framework: framework.api_tags),
    Field("full_version", lambda framework: framework.full_version),
)


@click.group(cls=HubGroup)
def device() -> None:
    """List and show devices."""


@device.command(
    "list",
    examples=[
        ("All devices", "device list"),
        ("Those with a chipset", "device list --attr chipset:qualcomm-snapdragon-8gen3"),
        ("Names, for a script", "device list -q"),
    ],
)
@click.option("--name", metavar="NAME", default="", help="Devices of this name.")
@click.option("--os", metavar="VERSION", default="", help="With this version of the system.")
@click.option(
    "--attr",
    "attributes",
    metavar="KEY:VALUE",
    multiple=True,
    shell_complete=complete_attributes,
    help="With this attribute; may be repeated.",
)
@output_options(DEVICE_FIELDS)
@click.pass_obj
def list_devices(invocation: Invocation, name: str, os: str, attributes: tuple[str, ...]) -> None:
    """List devices."""
    found = invocation.client.get_devices(name, os, list(attributes))
    print_rows(invocation, found, DEVICE_FIELDS, empty="No device matches.")


@device.command(examples=[("What a device can do", 'device show "Samsung Galaxy S24"')])
@click.argument("name", shell_complete=complete_devices)
@click.option("--os", metavar="VERSION", default="", help="With this version of the system.")
@output_options(DEVICE_FIELDS)
@click.pass_obj
def show(invocation: Invocation, name: str, os: str) -> None:
    """Show a device."""
    client = invocation.client
    with _without_warnings():
        found = client.get_devices(name, os)
    if not found:
        raise CommandError(explain_mismatch(name, os, [], client.get_devices()))
    for each in found:
        print_record(invocation, each, DEVICE_FIELDS)


@click.group(cls=HubGroup)
def framework() -> None:
    """List the runtimes that jobs can request."""


@framework.command("list", examples=[("Runtimes and their versions", "framework list")])
@output_options(FRAMEWORK_FIELDS)
@click.pass_obj
def list_frameworks(invocation: Invocation) -> None:
    """List the runtimes that jobs can request."""
    print_rows(invocation, invocation.client.get_frameworks(), FRAMEWORK_FIELDS)
