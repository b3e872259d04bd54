"""Checks of the arguments of the `submit_*` methods."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from qai_hub.errors import UserError
from qai_hub.resources.device import Device
from qai_hub.tensors import parse_input_specs

if TYPE_CHECKING:
    from qai_hub.tensors import InputSpecs, ParsedSpecs

MAX_NAME = 255
"""Maximum length of a display name, by the contract."""

_MAX_SHOWN = 500


def check_devices(device: Device | list[Device]) -> list[Device]:
    """Checks the devices of a submission.

    Args:
        device: One device, or several.

    Returns:
        The devices.

    Raises:
        UserError: If there is none, or the argument is of another type.
    """
    devices = list(device) if isinstance(device, list | tuple) else [device]
    if not all(isinstance(d, Device) for d in devices):
        raise UserError(
            f"device must be a Device or a list of them, such as Device('Samsung Galaxy S24'),"
            f" not {device!r}."
        )
    if not devices:
        raise UserError("device is an empty list: pass at least one device.")
    for each in devices:
        if not isinstance(each.name, str) or not isinstance(each.os, str):
            raise UserError(f"The name and os of a device must be strings, unlike those of {each}.")
    return devices


def check_text(argument: str, text: object) -> str:
    """Checks a string argument of a submission; None counts as the empty string.

    Raises:
        UserError: If the argument is of another type.
    """
    if text is not None and not isinstance(text, str):
        raise UserError(f"{argument} must be a string, not {text!r:.{_MAX_SHOWN}}.")
    return text or ""


def default_name(name: str) -> str:
    """Converts a name with other limits, such as a file's, to one that the service accepts."""
    return name.encode("utf-8", "replace").decode()[:MAX_NAME]


def check_options(argument: str, options: object) -> str:
    """Checks the options of a submission, and strips surrounding whitespace.

    Raises:
        UserError: If they are not a string.
    """
    if isinstance(options, Mapping):
        words = [
            word
            for name, value in options.items()
            for word in (f"--{str(name).lstrip('-')}", str(value))
        ]
        raise UserError(f"{argument} must be a string: write {_as_options(words)!r}.")
    if isinstance(options, list | tuple):
        raise UserError(f"{argument} must be a string: write {_as_options(options)!r}.")
    return check_text(argument, options).strip()


def _as_options(words: Iterable[object]) -> str:
    return shlex.join(map(str, words))[:_MAX_SHOWN]


def check_name(name: str | None) -> str:
    """Checks a display name; None counts as the empty string, for the default.

    Raises:
        UserError: If it is not a string, or too long.
    """
    checked = check_text("name", name)
    if len(checked) > MAX_NAME:
        raise UserError(f"name has {len(checked)} characters: pass at most {MAX_NAME}.")
    return checked


def check_specs(input_specs: InputSpecs | None) -> ParsedSpecs | None:
    """Checks the input specs of a submission.

    Raises:
        UserError: If they are neither shapes nor shapes with dtypes.
    """
    return None if input_specs is None else parse_input_specs(input_specs)
