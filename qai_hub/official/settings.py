"""`util.session` and other settings of the official client that scripts read and assign."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from qai_hub.config import ClientConfig, load_config
from qai_hub.http_library import httpx
from qai_hub.tensors import dtype_to_wire, parse_input_specs
from qai_hub.transfer.files import FILE_SESSION_KEY
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session
from qai_hub.transport.setup import TRANSFER_READ_LIMIT, raise_transfer_read_limit

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from qai_hub.tensors import InputSpecs

__all__ = [
    "EXTERNAL_RESPONSE_TIMEOUT_SECONDS",
    "apply_assigned_timeout",
    "create_session",
    "input_shapes_to_tensor_type_list_pb",
    "load_api_config_from_profile",
    "load_default_api_config",
    "str2bool",
]


_logger = logging.getLogger("qai_hub")
_TRUE = frozenset({"true", "t", "yes", "1"})
_FALSE = frozenset({"false", "f", "no", "0"})


def load_default_api_config(verbose: bool = False) -> ClientConfig:
    """Reads the configuration that a client reads by default.

    Args:
        verbose: Whether to log the configuration, without its token.

    Returns:
        The configuration.

    Raises:
        UserError: If there is none, or it is not valid.
    """
    return _load(None, verbose)


def load_api_config_from_profile(profile: str, verbose: bool = False) -> ClientConfig:
    """Reads the configuration of a profile.

    Args:
        profile: Name of the profile.
        verbose: Whether to log the configuration, without its token.

    Returns:
        The configuration.

    Raises:
        FileNotFoundError: If the profile does not exist.
        UserError: If it is not valid.
    """
    return _load(profile, verbose)


def str2bool(s: str) -> bool:
    """Parses a Boolean.

    Args:
        s: `true`, `t`, `yes`, `1`, or `false`, `f`, `no`, `0`, in upper or lower case.

    Returns:
        The value.

    Raises:
        ValueError: If it is any other text.
    """
    word = s.lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(f"{s!r} is neither true nor false.")
    return word in _TRUE


def input_shapes_to_tensor_type_list_pb(input_shapes: InputSpecs | None) -> Message:
    """Converts input specs to a message.

    Args:
        input_shapes: The shape, or the shape and dtype, of each input; None for no inputs.

    Returns:
        A `NamedTensorTypeList` message.

    Raises:
        UserError: If the specs are invalid.
    """
    from qai_hub.wire import parse

    types = [
        {"name": name, "tensor_type": {"shape": list(shape), "dtype": dtype_to_wire(dtype)}}
        for name, (shape, dtype) in parse_input_specs(input_shapes or {}).items()
    ]
    return parse("qai_hub.api.NamedTensorTypeList", {"types": types})


def _load(profile: str | None, verbose: bool) -> ClientConfig:
    config = load_config(profile)
    if verbose:
        _logger.info("Configuration read: %r", config)
    return config


EXTERNAL_RESPONSE_TIMEOUT_SECONDS = TRANSFER_READ_LIMIT
"""Seconds that a file transfer waits for the next bytes. Scripts assign larger values."""


def create_session(
    internal_retries: bool = True,
    response_timeout_seconds: float = 28,
    client_mode: Literal["library", "cli"] = "library",
) -> Session:
    """Creates an HTTP client that retries requests where that is safe.

    It has the methods of an httpx client; `get`, `post` and `put` are called as in requests.

    Args:
        internal_retries: Whether to retry requests.
        response_timeout_seconds: Seconds to wait for the next bytes of a response.
        client_mode: Whether a program or the command line uses the client.

    Returns:
        The client; close it after use.
    """
    return Session(
        policy=RetryPolicy() if internal_retries else RetryPolicy(max_attempts=1),
        timeout=httpx.Timeout(response_timeout_seconds, connect=5.0),
        follow_redirects=True,
    )


class _TimeoutModule(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "EXTERNAL_RESPONSE_TIMEOUT_SECONDS" and isinstance(value, int | float):
            raise_transfer_read_limit(value)
            SESSIONS.close(FILE_SESSION_KEY)


def apply_assigned_timeout(module: str) -> None:
    """Applies the time limit that a script assigns in a module, if it is longer than the default.

    Args:
        module: Name of the module.
    """
    sys.modules[module].__class__ = _TimeoutModule
