"""`api_utils`: loading of configurations, and conversion of input specs to a message."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from qai_hub.config import ClientConfig, load_config
from qai_hub.tensors import dtype_to_wire, parse_input_specs

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from qai_hub.tensors import InputSpecs

__all__ = [
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
    return _loaded(None, verbose)


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
    return _loaded(profile, verbose)


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


def _loaded(profile: str | None, verbose: bool) -> ClientConfig:
    config = load_config(profile)
    if verbose:
        _logger.info("Configuration read: %r", config)
    return config
