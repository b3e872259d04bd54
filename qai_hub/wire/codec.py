"""Encoding and decoding of messages, by tables that are built from the descriptor."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.wire.descriptor import WireError, load_descriptor, message_class
from qai_hub.wire.scalars import SCALARS, format_time, parse_time, shorten_float, to_datetime
from qai_hub.wire.unknown_members import decode_unknown_members

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FieldDescriptorProto
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["decode", "decode_model", "encode", "fill", "parse", "read_message", "to_json"]


_TIMESTAMP = ".google.protobuf.Timestamp"


class _Converter(NamedTuple):
    """The converter of a field type; only one of its attributes is set.

    Attributes:
        write: Converts a JSON value to the Python value that protobuf expects.
        fill: Fills a nested message from a JSON value, since messages cannot be assigned.
    """

    write: Callable[[Any], Any] | None = None
    fill: "Callable[[Message, Any], None] | None" = None


class _Table(NamedTuple):
    """The converters of a message type.

    Attributes:
        write: Functions that set a field of a message, by the name of the field.
        oneofs: Names of oneofs, by the names of their members.
    """

    write: "dict[str, Callable[[Message, Any], None]]"
    oneofs: dict[str, str]


def fill(message: "Message", value: object) -> None:
    """Fills an empty message from its JSON.

    Args:
        message: The message.
        value: Its JSON; keys that are no field of the message are ignored.

    Raises:
        WireError: If the value does not fit; the text begins with the name of the field.
    """
    _fill(_table(message.DESCRIPTOR.full_name), message, value)


def _fill(table: _Table, message: "Message", value: object) -> None:
    if not isinstance(value, dict):
        raise WireError(f"it must be an object, not {_shorten_repr(value)}")
    seen: dict[str, str] = {}
    for name, content in value.items():
        write = table.write.get(name)
        if write is None:
            continue
        if name in table.oneofs and (other := seen.setdefault(table.oneofs[name], name)) != name:
            raise WireError(f"{other} and {name} are mutually exclusive")
        try:
            write(message, content)
        except (OverflowError, TypeError, ValueError) as error:
            raise WireError(f"{name}: {error}") from None


@cache
def _table(name: str) -> _Table:
    message = load_descriptor().messages[name]
    table = _Table({}, {})
    for field in message.field:
        entry = load_descriptor().entries.get(field.type_name[1:])
        if entry is not None:
            key, value = entry.field
            write_key = _identity if key.type == key.TYPE_STRING else _parse_integer
            table.write[field.name] = _map_writer(field.name, write_key, _converter(value))
            continue
        kind = _converter(field)
        if field.label == field.LABEL_REPEATED:
            table.write[field.name] = _list_writer(field.name, kind)
            continue
        table.write[field.name] = _writer(field.name, kind)
        if field.HasField("oneof_index") and not field.proto3_optional:
            table.oneofs[field.name] = message.oneof_decl[field.oneof_index].name
    return table


def _converter(field: "FieldDescriptorProto") -> _Converter:
    if field.type_name == _TIMESTAMP:
        return _Converter(fill=_fill_time)
    if field.type == field.TYPE_MESSAGE:
        return _Converter(fill=partial(_fill, _table(field.type_name[1:])))
    if field.type == field.TYPE_ENUM:
        return _enum_converter(load_descriptor().enums[field.type_name[1:]])
    kind = field.Type.Name(field.type).removeprefix("TYPE_").lower()
    return _Converter(SCALARS[kind])


def _enum_converter(enum: "EnumDescriptorProto") -> _Converter:
    numbers = {value.name: value.number for value in enum.value}

    def write(value: object) -> int:
        """Converts a name; numbers are kept, as they stand for values that have no name here."""
        number = numbers.get(value) if isinstance(value, str) else value
        if type(number) is not int:
            raise WireError(f"{_shorten_repr(value)} is not a {enum.name}")
        return number

    return _Converter(write)


def _fill_time(message: "Message", value: object) -> None:
    time: Any = message
    time.seconds, time.nanos = parse_time(value)


def _writer(name: str, kind: _Converter) -> "Callable[[Message, Any], None]":
    def write_message(message: "Message", value: object) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        into(inner, value)

    if kind.fill is not None:
        into = kind.fill
        return write_message
    convert = kind.write or _identity
    return lambda message, value: setattr(message, name, convert(value))


def _list_writer(name: str, kind: _Converter) -> "Callable[[Message, Any], None]":
    def write_messages(message: "Message", value: object) -> None:
        inner = getattr(message, name)
        for item in _expect(list, value):
            into(inner.add(), item)

    if kind.fill is not None:
        into = kind.fill
        return write_messages
    convert = kind.write or _identity
    return lambda message, value: getattr(message, name).extend(
        [convert(item) for item in _expect(list, value)]
    )


def _map_writer(
    name: str, write_key: Callable[[Any], Any], value: _Converter
) -> "Callable[[Message, Any], None]":
    """Returns the writer of a map of scalars, whose keys are always strings in JSON."""

    def write(message: "Message", content: object) -> None:
        entries = getattr(message, name)
        for text, item in _expect(dict, content).items():
            entries[write_key(text)] = write_value(item)

    write_value = value.write or _identity
    return write


def _parse_integer(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise WireError(f"{_shorten_repr(text)} is not a number")
    return int(text)


def _expect(kind: type[Any], value: object) -> Any:  # noqa: ANN401 - of that kind
    if not isinstance(value, kind):
        raise WireError(f"it must be a {kind.__name__}, not {_shorten_repr(value)}")
    return value


def _identity(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value


def _shorten_repr(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


# In bytes. A page of jobs, or the profile of a large model, is a few megabytes.
_MAX_SIZE = 32 << 20


def encode(name: str, value: dict[str, Any]) -> bytes:
    """Encodes a message.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.
        value: Its JSON. Properties to which the contract assigns no field number are omitted.

    Returns:
        The message as bytes.

    Raises:
        WireError: If the value does not conform to the contract.
    """
    return parse(name, value).SerializeToString()


def parse(name: str, value: dict[str, Any]) -> "Message":
    """Creates a message from its JSON, as `encode` does, without serialising it."""
    message = message_class(name)()
    try:
        fill(message, value)
    except WireError as error:
        raise WireError(f"{name}: {error}") from None
    return message


def decode(name: str, content: bytes) -> dict[str, Any]:
    """Decodes a message.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.
        content: The message as bytes. Fields that the contract does not define are ignored.

    Returns:
        Its JSON. An enum value that the contract does not define is a number.

    Raises:
        WireError: If the bytes are not such a message, or there are too many.
    """
    return to_json(read_message(name, content))


def decode_model(name: str, content: bytes) -> Any:  # noqa: ANN401 - a generated model
    """Decodes a message of a response to a generated model.

    The model is what it would be if the JSON of the message were read, with two exceptions, so that
    the rest can be read: an invalid time counts as missing, and a job type that this release does
    not know is included with the fields that all job types share.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.
        content: The message as bytes. Fields that the contract does not define are ignored.

    Returns:
        The model.

    Raises:
        WireError: If the bytes are not such a message, or there are too many.
    """
    from qai_hub_api.types import UNSET
    from qai_hub_api.wire_models import READERS, Values

    def to_datetime_or_unset(time: "Timestamp") -> object:
        try:
            return to_datetime(time)
        except ValueError:
            return UNSET

    def to_json_for_models(message: "Message") -> dict[str, Any]:
        return _read(message, to_datetime_or_unset)

    def decode_newer(message: "Message", oneof: str) -> dict[str, Any]:
        return decode_unknown_members(message, oneof, to_json_for_models)

    values = Values(to_datetime_or_unset, shorten_float, decode_newer)
    return READERS[name](read_message(name, content), values)


def read_message(name: str, content: bytes) -> "Message":
    """Parses the bytes of a message, as `decode` does, without converting it to JSON."""
    from google.protobuf.message import DecodeError

    if len(content) > _MAX_SIZE:
        raise WireError(f"A {name} of {len(content)} bytes is too large: {_MAX_SIZE} are allowed.")
    try:
        return message_class(name).FromString(content)
    except (DecodeError, RecursionError) as error:
        raise WireError(f"{len(content)} bytes are not a {name}: {error}") from None


def to_json(message: "Message") -> dict[str, Any]:
    """Converts a message to JSON, as `decode` does."""
    return _read(message, format_time)


def _read(message: "Message", time: "Callable[[Timestamp], object]") -> dict[str, Any]:
    from qai_hub_api.wire_readers import READERS, Values

    name = message.DESCRIPTOR.full_name
    try:
        return READERS[name](message, Values(time, shorten_float))
    except ValueError as error:
        raise WireError(f"{name}: {error}") from None
