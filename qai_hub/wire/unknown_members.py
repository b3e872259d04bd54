"""Decoding of oneof members that this release does not know, such as new job types.

A newer service may send job types that the contract does not define yet. Fields that all known
types share, with the same number and name, are assumed to exist in a new one too. At least its
identifier can then be read.
"""

import functools
from typing import TYPE_CHECKING, Any

from qai_hub.wire.descriptor import load_descriptor, message_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor_pb2 import FieldDescriptorProto
    from google.protobuf.message import Message

__all__ = ["decode_unknown_members"]

_VARINT, _BYTES = 0, 2


def decode_unknown_members(
    message: "Message", oneof: str, read: "Callable[[Message], Any]"
) -> dict[str, Any]:
    """Decodes the unknown fields of a message that may be members of a oneof.

    Args:
        message: The message, in which no known member of the oneof is set.
        oneof: Name of the oneof.
        read: Converts a message to JSON.

    Returns:
        The JSON of each unknown field that may be a member, by the name `field_NUMBER`. Its
        identifier, which is named after the member in known types, is called `field_NUMBER_id`.
    """
    from google.protobuf.unknown_fields import UnknownFieldSet

    shared = _shared_fields(message.DESCRIPTOR.full_name, oneof)
    found: dict[str, Any] = {}
    fields: Any = UnknownFieldSet(message)
    for field in fields:
        if field.wire_type == _BYTES and shared:
            name = f"field_{field.field_number}"
            found[name] = _decode_members(field.data, name, shared, read)
    return found


@functools.cache
def _shared_fields(message: str, oneof: str) -> "dict[int, tuple[str, FieldDescriptorProto]]":
    """Returns the fields that all members of a oneof share, with their names, by number."""
    descriptor = load_descriptor().messages[message]
    index = [each.name for each in descriptor.oneof_decl].index(oneof)
    members = [each for each in descriptor.field if each.HasField("oneof_index")]
    common_shapes: list[set[tuple[int, int, str, str]]] = []
    fields: dict[int, tuple[str, FieldDescriptorProto]] = {}
    for member in members:
        if member.oneof_index != index or not member.type_name:
            continue
        shapes = set()
        for field in load_descriptor().messages[member.type_name[1:]].field:
            name = "{}_id" if field.name == f"{member.name}_id" else field.name
            shapes.add((field.number, int(field.type), field.type_name, name))
            fields[field.number] = (name, field)
        common_shapes.append(shapes)
    common = set.intersection(*common_shapes) if common_shapes else set()
    return {number: fields[number] for number, *_ in common}


def _decode_members(
    content: bytes,
    member: str,
    shared: "dict[int, tuple[str, FieldDescriptorProto]]",
    read: "Callable[[Message], Any]",
) -> dict[str, Any]:
    from google.protobuf.empty_pb2 import Empty
    from google.protobuf.message import DecodeError
    from google.protobuf.unknown_fields import UnknownFieldSet

    found: dict[str, Any] = {}
    try:
        fields: Any = UnknownFieldSet(Empty.FromString(content))
        for received in fields:
            name, field = shared.get(received.field_number, ("", None))
            if field is None:
                continue
            if field.type == field.TYPE_STRING and received.wire_type == _BYTES:
                found[name.format(member)] = received.data.decode()
            elif field.type == field.TYPE_ENUM and received.wire_type == _VARINT:
                found[name] = received.data
            elif field.type == field.TYPE_MESSAGE and received.wire_type == _BYTES:
                found[name] = read(message_class(field.type_name[1:]).FromString(received.data))
    except (DecodeError, ValueError):
        return {}
    return found
