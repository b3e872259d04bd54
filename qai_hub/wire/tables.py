"""How each message is filled from its JSON and read as JSON, in tables made from the descriptor.

To walk over a message by a table takes half the time of protobuf's own JSON printer, and gives the
contract's JSON: 64-bit numbers as integers, and all fields that the wire cannot leave out.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from qai_hub.wire.descriptor import WireError, described
from qai_hub.wire.scalars import SCALARS, read_time, write_time

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import EnumDescriptorProto, FieldDescriptorProto
    from google.protobuf.message import Message

__all__ = ["fill", "read"]

_TIMESTAMP = ".google.protobuf.Timestamp"


class _Type(NamedTuple):
    """A type of fields.

    Attributes:
        write: Gives what protobuf sets for a JSON value.
        read: Gives the JSON of what protobuf has; None if it is the same.
        fill: Fills a message from a JSON value; messages are not set.
    """

    write: Callable[[Any], Any] | None = None
    read: Callable[[Any], Any] | None = None
    fill: "Callable[[Message, Any], None] | None" = None


class _Table(NamedTuple):
    """A message.

    Attributes:
        write: For each field what sets it in a message.
        read: For each field its name, whether it may be absent, and what gives its JSON; None if
            it is the same.
        oneofs: For each member of a oneof the name of that.
    """

    write: "dict[str, Callable[[Message, Any], None]]"
    read: list[tuple[str, bool, Callable[[Any], Any] | None]]
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


def read(message: "Message") -> dict[str, Any]:
    """Gives the JSON of a message.

    Args:
        message: The message.

    Returns:
        Its JSON.

    Raises:
        ValueError: If a time is none.
    """
    return _read(_table(message.DESCRIPTOR.full_name), message)


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


def _read(table: _Table, message: "Message") -> dict[str, Any]:
    json = {}
    for name, optional, convert in table.read:
        if optional and not message.HasField(name):
            continue
        value = getattr(message, name)
        json[name] = value if convert is None else convert(value)
    return json


@cache
def _table(name: str) -> _Table:
    message = described().messages[name]
    table = _Table({}, [], {})
    for field in message.field:
        entry = described().entries.get(field.type_name[1:])
        if entry is not None:
            key, value = entry.field
            write_key = _same if key.type == key.TYPE_STRING else _numeral
            table.write[field.name] = _map_writer(field.name, write_key, _type(value))
            table.read.append((field.name, False, _map_reader(_type(value))))
            continue
        kind = _type(field)
        if field.label == field.LABEL_REPEATED:
            table.write[field.name] = _list_writer(field.name, kind)
            table.read.append((field.name, False, _list_reader(kind)))
            continue
        table.write[field.name] = _writer(field.name, kind)
        one_of = field.HasField("oneof_index")
        table.read.append((field.name, one_of or kind.fill is not None, kind.read))
        if one_of and not field.proto3_optional:
            table.oneofs[field.name] = message.oneof_decl[field.oneof_index].name
    return table


def _type(field: "FieldDescriptorProto") -> _Type:
    if field.type_name == _TIMESTAMP:
        return _Type(read=write_time, fill=_fill_time)
    if field.type == field.TYPE_MESSAGE:
        table = _table(field.type_name[1:])
        return _Type(read=partial(_read, table), fill=partial(_fill, table))
    if field.type == field.TYPE_ENUM:
        return _enum_type(described().enums[field.type_name[1:]])
    kind = field.Type.Name(field.type).removeprefix("TYPE_").lower()
    write, read = SCALARS[kind]
    return _Type(write, read)


def _enum_type(enum: "EnumDescriptorProto") -> _Type:
    numbers = {value.name: value.number for value in enum.value}
    names = {number: name for name, number in numbers.items()}

    def write(value: object) -> int:
        """A number stands for a value that has no name here."""
        number = numbers.get(value) if isinstance(value, str) else value
        if type(number) is not int:
            raise WireError(f"{_shown(value)} is no {enum.name}")
        return number

    return _Type(write, lambda number: names.get(number, number))


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


def _list_reader(kind: _Type) -> Callable[[Any], Any]:
    convert = kind.read
    return list if convert is None else lambda value: [convert(item) for item in value]


def _map_reader(value: _Type) -> Callable[[Any], Any]:
    convert = value.read or _same
    return lambda entries: {str(key): convert(entries[key]) for key in sorted(entries)}


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
