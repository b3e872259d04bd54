"""JSON to messages and back."""

from typing import TYPE_CHECKING, Any

from qai_hub.wire.descriptor import WireError, message_class
from qai_hub.wire.newer import newer_members
from qai_hub.wire.scalars import moment, short_float, write_time
from qai_hub.wire.tables import fill

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["decode", "encode", "parse", "read_message", "to_json"]

# A page of jobs, or the profile of a large model, is a few megabytes.
_LARGEST = 32 << 20


def encode(name: str, value: dict[str, Any]) -> bytes:
    """Writes a message.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.
        value: Its JSON. What the wire does not have, since the contract gives it no number, is
            left out.

    Returns:
        The message as bytes.

    Raises:
        WireError: If the value is not what the contract says.
    """
    return parse(name, value).SerializeToString()


def parse(name: str, value: dict[str, Any]) -> "Message":
    """Makes a message of its JSON, as `encode` does."""
    message = message_class(name)()
    try:
        fill(message, value)
    except WireError as error:
        raise WireError(f"{name}: {error}") from None
    return message


def decode(name: str, content: bytes, *, moments: bool = False) -> dict[str, Any]:
    """Reads a message.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.
        content: The message as bytes. Fields that the contract does not know are passed over.
        moments: Whether it is for generated models: times are datetimes then, since to write and
            read text takes longer than all else, and new types of jobs are told as far as all
            types are alike.

    Returns:
        Its JSON. An enum value that the contract does not know is its number.

    Raises:
        WireError: If the bytes are not such a message, or too many.
    """
    message = read_message(name, content)
    return _read(message, _moment, _newer) if moments else _read(message, write_time)


def read_message(name: str, content: bytes) -> "Message":
    """Reads the bytes of a message, as `decode` does, and makes no JSON of it."""
    from google.protobuf.message import DecodeError

    if len(content) > _LARGEST:
        raise WireError(f"A {name} of {len(content)} bytes is too large: {_LARGEST} are allowed.")
    try:
        return message_class(name).FromString(content)
    except (DecodeError, RecursionError) as error:
        raise WireError(f"{len(content)} bytes are no {name}: {error}") from None


def to_json(message: "Message") -> dict[str, Any]:
    """Makes the JSON of a message, as `decode` does."""
    return _read(message, write_time)


def _read(
    message: "Message",
    time: "Callable[[Timestamp], object]",
    newer: "Callable[[Message, str], dict[str, Any]]" = lambda _message, _oneof: {},
) -> dict[str, Any]:
    from qai_hub_api.wire_readers import READERS, Values

    name = message.DESCRIPTOR.full_name
    try:
        return READERS[name](message, Values(time, short_float, newer))
    except ValueError as error:
        raise WireError(f"{name}: {error}") from None


def _newer(message: "Message", oneof: str) -> dict[str, Any]:
    return newer_members(message, oneof, lambda inner: _read(inner, _moment))


def _moment(time: "Timestamp") -> object:
    """A time that is none costs no more than itself."""
    try:
        return moment(time)
    except ValueError:
        return None
