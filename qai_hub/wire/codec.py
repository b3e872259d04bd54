"""How each message is filled from its JSON, in tables made from the descriptor."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.wire.descriptor import WireError, described, message_class
from qai_hub.wire.newer import newer_members
from qai_hub.wire.scalars import SCALARS, moment, read_time, short_float, write_time

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FieldDescriptorProto
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

__all__ = ["decode", "encode", "fill", "parse", "read_message", "to_json"]


_TIMESTAMP = ".google.protobuf.Timestamp"


class _Type(NamedTuple):
    """A type of fields.

    Attributes:
        write: Gives what protobuf sets for a JSON value.
        fill: Fills a message from a JSON value; messages are not set.
    """

    write: Callable[[Any], Any] | None = None
    fill: "Callable[[Message, Any], None] | None" = None


class _Table(NamedTuple):
    """A message.

    Attributes:
        write: For each field what sets it in a message.
        oneofs: For each member of a oneof the name of that.
    """

    write: "dict[str, Callable[[Message, Any], None]]"
    oneofs: dict[str, str]


def fill(message: "Message", value: object) -> None:
    """Fills an empty message from its JSON.

    Args:
        message: The message.
        value: Its JSON; what the message has no field for is passed over.

    Raises:
        WireError: If the value does not fit; the text begins with the name of the field.
    """
    _fill(_table(message.DESCRIPTOR.full_name), message, value)


def _fill(table: _Table, message: "Message", value: object) -> None:
    if not isinstance(value, dict):
        raise WireError(f"it must be an object, not {_shown(value)}")
    seen: dict[str, str] = {}
    for name, content in value.items():
        write = table.write.get(name)
        if write is None:
            continue
        if name in table.oneofs and (other := seen.setdefault(table.oneofs[name], name)) != name:
            raise WireError(f"{other} and {name} exclude each other")
        try:
            write(message, content)
        except (OverflowError, TypeError, ValueError) as error:
            raise WireError(f"{name}: {error}") from None


@cache
def _table(name: str) -> _Table:
    message = described().messages[name]
    table = _Table({}, {})
    for field in message.field:
        entry = described().entries.get(field.type_name[1:])
        if entry is not None:
            key, value = entry.field
            write_key = _same if key.type == key.TYPE_STRING else _numeral
            table.write[field.name] = _map_writer(field.name, write_key, _type(value))
            continue
        kind = _type(field)
        if field.label == field.LABEL_REPEATED:
            table.write[field.name] = _list_writer(field.name, kind)
            continue
        table.write[field.name] = _writer(field.name, kind)
        if field.HasField("oneof_index") and not field.proto3_optional:
            table.oneofs[field.name] = message.oneof_decl[field.oneof_index].name
    return table


def _type(field: "FieldDescriptorProto") -> _Type:
    if field.type_name == _TIMESTAMP:
        return _Type(fill=_fill_time)
    if field.type == field.TYPE_MESSAGE:
        return _Type(fill=partial(_fill, _table(field.type_name[1:])))
    if field.type == field.TYPE_ENUM:
        return _enum_type(described().enums[field.type_name[1:]])
    kind = field.Type.Name(field.type).removeprefix("TYPE_").lower()
    return _Type(SCALARS[kind])


def _enum_type(enum: "EnumDescriptorProto") -> _Type:
    numbers = {value.name: value.number for value in enum.value}

    def write(value: object) -> int:
        """A number stands for a value that has no name here."""
        number = numbers.get(value) if isinstance(value, str) else value
        if type(number) is not int:
            raise WireError(f"{_shown(value)} is no {enum.name}")
        return number

    return _Type(write)


def _fill_time(message: "Message", value: object) -> None:
    time: Any = message
    time.seconds, time.nanos = read_time(value)


def _writer(name: str, kind: _Type) -> "Callable[[Message, Any], None]":
    def write_message(message: "Message", value: object) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        into(inner, value)

    if kind.fill is not None:
        into = kind.fill
        return write_message
    convert = kind.write or _same
    return lambda message, value: setattr(message, name, convert(value))


def _list_writer(name: str, kind: _Type) -> "Callable[[Message, Any], None]":
    def write_messages(message: "Message", value: object) -> None:
        inner = getattr(message, name)
        for item in _expect(list, value):
            into(inner.add(), item)

    if kind.fill is not None:
        into = kind.fill
        return write_messages
    convert = kind.write or _same
    return lambda message, value: getattr(message, name).extend(
        [convert(item) for item in _expect(list, value)]
    )


def _map_writer(
    name: str, write_key: Callable[[Any], Any], value: _Type
) -> "Callable[[Message, Any], None]":
    """Maps of the contract have scalars; keys are texts in JSON, whatever they are on the wire."""

    def write(message: "Message", content: object) -> None:
        entries = getattr(message, name)
        for text, item in _expect(dict, content).items():
            entries[write_key(text)] = write_value(item)

    write_value = value.write or _same
    return write


def _numeral(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise WireError(f"{_shown(text)} is no number")
    return int(text)


def _expect(kind: type[Any], value: object) -> Any:  # noqa: ANN401 - of that kind
    if not isinstance(value, kind):
        raise WireError(f"it must be a {kind.__name__}, not {_shown(value)}")
    return value


def _same(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


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
