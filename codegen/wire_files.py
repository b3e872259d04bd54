"""Compiles the protobuf descriptor, the readers of messages and the table of operations.

They are derived only from the wire annotations of the contract. Operations and schemas without
annotations use JSON on both wires, and are omitted.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from wire_models import write_model_readers
from wire_readers import write_readers

Schema = dict[str, Any]
Types = dict[str, tuple[int, str]]

FILE = "qai_hub_api/wire.proto"
PACKAGE = "qai_hub.api"
TIMESTAMP = timestamp_pb2.Timestamp.DESCRIPTOR.full_name
LABELS = {
    "plain": FieldDescriptorProto.LABEL_OPTIONAL,
    "optional": FieldDescriptorProto.LABEL_OPTIONAL,
    "oneof": FieldDescriptorProto.LABEL_OPTIONAL,
    "repeated": FieldDescriptorProto.LABEL_REPEATED,
    "map": FieldDescriptorProto.LABEL_REPEATED,
}


class Field(NamedTuple):
    """A field of a message, as annotated in the contract."""

    name: str
    number: int
    type: str
    presence: str
    oneof: str


class WireFiles(NamedTuple):
    """The files that the protobuf wire needs at run time.

    Attributes:
        descriptor: A serialized FileDescriptorProto.
        operations: The operations as JSON, by operationId.
        readers: A Python module that converts messages to JSON.
        model_readers: A Python module that fills models from messages.
    """

    descriptor: bytes
    operations: str
    readers: str
    model_readers: str


def compile_wire(contract: Schema) -> WireFiles:
    """Compiles the wire annotations of a contract.

    Args:
        contract: The contract.

    Returns:
        The content of the files, which is the same for the same annotations.

    Raises:
        ValueError: If the annotations contradict each other, or name something undefined.
    """
    file = _file(contract.get("components", {}).get("schemas", {}))
    operations = {
        operation["operationId"]: _operation(contract, file, method, path, operation)
        for path, item in contract["paths"].items()
        for method, operation in item.items()
        if method != "parameters" and "operationId" in operation
    }
    text = json.dumps(dict(sorted(operations.items())), indent=1) + "\n"
    descriptor = file.SerializeToString(deterministic=True)
    return WireFiles(descriptor, text, write_readers(file), write_model_readers(contract, file))


def _file(schemas: dict[str, Schema]) -> FileDescriptorProto:
    messages: dict[str, dict[str, Field]] = {}
    enums: dict[str, dict[str, int]] = {}
    for name, schema in schemas.items():
        if "x-protobuf-enum" in schema:
            enums[_local(schema["x-protobuf-enum"])] = schema["x-protobuf-enum-values"]
        elif "x-protobuf-message" in schema:
            # A message has several schemas where requests have fewer fields than responses.
            fields = messages.setdefault(_local(schema["x-protobuf-message"]), {})
            for field in _fields(schema):
                if fields.setdefault(field.name, field) != field:
                    raise ValueError(f"{name}.{field.name}: other schemas of its message differ.")
    file = FileDescriptorProto(name=FILE, package=PACKAGE, syntax="proto3")
    file.dependency.append(timestamp_pb2.DESCRIPTOR.name)
    types = _types(messages, enums)
    made: dict[str, DescriptorProto] = {}
    # Sorting puts outer messages before those nested in them.
    for name in sorted(messages):
        outer, _, inner = name.rpartition(".")
        home = made[outer].nested_type if outer else file.message_type
        made[name] = home.add(name=inner)
        ordered = sorted(messages[name].values(), key=lambda field: field.number)
        _fill(made[name], name, ordered, types)
    for name in sorted(enums):
        outer, _, inner = name.rpartition(".")
        _fill_enum((made[outer] if outer else file).enum_type.add(name=inner), enums[name])
    return file


def _local(name: str) -> str:
    if not name.startswith(f"{PACKAGE}."):
        raise ValueError(f"{name}: names of the wire start with {PACKAGE}.")
    return name.removeprefix(f"{PACKAGE}.")


def _fields(schema: Schema) -> list[Field]:
    return [
        Field(
            name, told["number"], told["type"], told["presence"], node.get("x-protobuf-oneof", "")
        )
        for name, node in schema.get("properties", {}).items()
        if (told := node.get("x-protobuf-field"))
    ]


def _types(messages: Iterable[str], enums: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Returns the type number and name in descriptors of each type that annotations can name."""
    types: Types = {
        name.removeprefix("TYPE_").lower(): (number, "")
        for name, number in FieldDescriptorProto.Type.items()
    }
    types |= {n: (FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{n}") for n in messages}
    types |= {n: (FieldDescriptorProto.TYPE_ENUM, f".{PACKAGE}.{n}") for n in enums}
    types[TIMESTAMP] = FieldDescriptorProto.TYPE_MESSAGE, f".{TIMESTAMP}"
    return types


def _fill(message: DescriptorProto, where: str, fields: list[Field], types: Types) -> None:
    oneofs = list(dict.fromkeys(field.oneof for field in fields if field.presence == "oneof"))
    for oneof in oneofs:
        message.oneof_decl.add(name=oneof)
    for name, number, wire_type, presence, oneof in fields:
        field = message.field.add(name=name, number=number, label=LABELS[presence])
        if presence == "map":
            _set_type(field, _add_entry(message, where, field, wire_type, types))
        elif wire_type in types:
            _set_type(field, types[wire_type])
        else:
            raise ValueError(f"{where}.{name}: there is no type {wire_type}.")
        if presence == "oneof":
            field.oneof_index = oneofs.index(oneof)
        elif presence == "optional":
            # Explicit presence is represented by a oneof with one member, after the real ones.
            field.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
            field.proto3_optional = True


def _add_entry(
    message: DescriptorProto, where: str, field: FieldDescriptorProto, map_type: str, types: Types
) -> tuple[int, str]:
    """Adds the message that represents the entries of a map on the wire; returns its type."""
    entry = message.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    parts = map_type.removeprefix("map<").removesuffix(">").split(",")
    for number, (name, part) in enumerate(zip(("key", "value"), parts, strict=True), 1):
        member = entry.field.add(name=name, number=number, label=LABELS["plain"])
        _set_type(member, types[part])
    return FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{where}.{entry.name}"


def _set_type(field: FieldDescriptorProto, found: tuple[int, str]) -> None:
    number, name = found
    field.type = FieldDescriptorProto.Type.ValueType(number)
    if name:
        field.type_name = name


def _fill_enum(enum: EnumDescriptorProto, values: dict[str, int]) -> None:
    for name, number in sorted(values.items(), key=lambda item: item[1]):
        enum.value.add(name=name, number=number)


def _operation(
    contract: Schema, file: FileDescriptorProto, method: str, path: str, operation: Schema
) -> dict[str, Any]:
    messages = {f"{PACKAGE}.{message.name}": message for message in file.message_type}
    request, response, bare = (
        operation.get(f"x-protobuf-{part}") for part in ("request", "response", "response-bare")
    )
    for name in (request, response, bare):
        if name is not None and name not in messages:
            raise ValueError(f"{operation['operationId']}: there is no message {name}.")
    entry: dict[str, Any] = {
        "method": method.upper(),
        "path": path,
        "request": request,
        "response": response,
    }
    if bare is not None:
        full = messages[str(response)].field
        fields = [field.name for field in full if field.type_name == f".{bare}"]
        if len(fields) != 1:
            raise ValueError(f"{operation['operationId']}: {response} has not one field of {bare}.")
        entry["bare"] = {
            "message": bare,
            "field": fields[0],
            "unless": _deciding_parameter(contract, operation),
        }
    return entry


def _deciding_parameter(contract: Schema, operation: Schema) -> str:
    """Returns the name of the parameter that requests the full form of a response."""
    for parameter in operation.get("parameters", []):
        name = parameter.get("$ref", "").rpartition("/")[2]
        node = contract["components"]["parameters"][name] if name else parameter
        if node.get("x-protobuf-full-response"):
            return str(node["name"])
    raise ValueError(f"{operation['operationId']}: no parameter has x-protobuf-full-response.")
