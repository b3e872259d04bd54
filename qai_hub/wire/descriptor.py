"""Descriptors of the official service's messages and operations, compiled from the contract."""

import functools
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import (
        DescriptorProto,
        EnumDescriptorProto,
        FileDescriptorProto,
    )
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

__all__ = [
    "PACKAGE",
    "DescriptorIndex",
    "Operation",
    "WireError",
    "find_operation",
    "load_descriptor",
    "message_class",
]


PACKAGE = "qai_hub.api"


class WireError(ValueError):
    """A message, or its JSON, does not conform to the contract."""


class DescriptorIndex(NamedTuple):
    """The content of the compiled descriptor, by full names.

    Attributes:
        file: The whole file.
        pool: A separate pool, so that the descriptors do not conflict with the official package's.
        messages: Messages, including nested ones, but not the entries of maps.
        entries: Entries of maps, which are messages on the wire.
        enums: Enums, including those nested in messages.
    """

    file: "FileDescriptorProto"
    pool: "DescriptorPool"
    messages: "dict[str, DescriptorProto]"
    entries: "dict[str, DescriptorProto]"
    enums: "dict[str, EnumDescriptorProto]"


@functools.cache
def load_descriptor() -> DescriptorIndex:
    """Loads the compiled descriptor, once per process."""
    from google.protobuf import descriptor_pool, timestamp_pb2
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    serialized = files("qai_hub_api").joinpath("wire.desc").read_bytes()
    file = FileDescriptorProto.FromString(serialized)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(serialized)
    found = DescriptorIndex(file, pool, {}, {}, {})
    found.enums.update({f"{PACKAGE}.{enum.name}": enum for enum in file.enum_type})
    todo = [(f"{PACKAGE}.{message.name}", message) for message in file.message_type]
    while todo:
        name, message = todo.pop()
        kind = found.entries if message.options.map_entry else found.messages
        kind[name] = message
        found.enums.update({f"{name}.{enum.name}": enum for enum in message.enum_type})
        todo += [(f"{name}.{inner.name}", inner) for inner in message.nested_type]
    return found


@functools.cache
def message_class(name: str) -> "type[Message]":
    """Returns the class of a message.

    Args:
        name: Full name of the message, such as `qai_hub.api.Job`.

    Returns:
        The class, which is the same at each call.

    Raises:
        KeyError: If there is no such message.
    """
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(load_descriptor().pool.FindMessageTypeByName(name))


class BareResponse(NamedTuple):
    """An alternative response that consists of a single field of the full response.

    Attributes:
        message: Full name of the message that is sent.
        field: Name of the field of the full response that it stands for.
        unless: Query parameter that requests the full response.
    """

    message: str
    field: str
    unless: str


class Operation(NamedTuple):
    """An operation on the protobuf wire.

    Attributes:
        request: Full name of the request message, if the request has one.
        response: Full name of the response message, if the response has one.
        bare: The alternative form of the response, if there is one.
    """

    request: str | None
    response: str | None
    bare: BareResponse | None


def find_operation(method: str, path: str) -> Operation | None:
    """Finds the operation of a request.

    Args:
        method: HTTP method, in upper case.
        path: Path as it is sent, starting with `/api`.

    Returns:
        The operation; None if it uses JSON on both wires, or is not part of the API.
    """
    for pattern, operation in _operations().get(method, ()):
        if pattern.fullmatch(path):
            return operation
    return None


@functools.cache
def _operations() -> dict[str, list[tuple[re.Pattern[str], Operation]]]:
    """Returns the operations with patterns of their paths, by method."""
    text = files("qai_hub_api").joinpath("operations.json").read_text("utf-8")
    found: dict[str, list[tuple[re.Pattern[str], Operation]]] = {}
    for entry in json.loads(text).values():
        if entry["request"] is None and entry["response"] is None:
            continue
        bare = BareResponse(**entry["bare"]) if "bare" in entry else None
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(entry["path"]))
        operation = Operation(entry["request"], entry["response"], bare)
        found.setdefault(entry["method"], []).append((re.compile(pattern), operation))
    return found
