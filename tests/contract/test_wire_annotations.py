"""The wire annotations of `openapi.yaml`, held against the table of the official messages.

`tests/data/wire.csv` lists what release 0.56.0 of the official client speaks: each message's fields
(kind: plain, optional, repeated, map or oneof) and each enum's values. What the contract adds to
them is marked as an extension.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = "qai_hub.api."
CONTRACT: dict[str, Any] = yaml.load(
    (ROOT / "openapi.yaml").read_text("utf-8"),
    Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
)
SCHEMAS: dict[str, dict[str, Any]] = CONTRACT["components"]["schemas"]
SCALARS = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "uint64": {"type": "integer", "format": "uint64"},
    "uint32": {"type": "integer", "format": "uint32"},
    "int64": {"type": "integer", "format": "int64"},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
}


def rows() -> list[dict[str, str]]:
    with (ROOT / "tests" / "data" / "wire.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


FIELDS = {
    (row["message_or_enum"], row["name"]): (
        row["name"],
        int(row["number"]),
        row["type"],
        row["kind"],
        row["oneof"],
    )
    for row in rows()
    if row["kind"] != "value"
}
VALUES: dict[str, dict[str, int]] = defaultdict(dict)
for _row in rows():
    if _row["kind"] == "value":
        VALUES[_row["message_or_enum"]][_row["name"]] = int(_row["number"])
MESSAGES = {message for message, _ in FIELDS}


def annotated(schema: dict[str, Any]) -> str:
    name = schema["x-protobuf-message"]
    assert name.startswith(PACKAGE)
    return str(name.removeprefix(PACKAGE))


def message_schemas() -> dict[str, dict[str, Any]]:
    return {name: schema for name, schema in SCHEMAS.items() if "x-protobuf-message" in schema}


def fields_of(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties that the message has; what a hub adds is told in JSON alone."""
    return {
        name: node
        for name, node in schema["properties"].items()
        if not ("x-extension" in node and "x-protobuf-field" not in node)
    }


def fields_of_messages() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The message, the name and the node of each field."""
    for schema in message_schemas().values():
        for field, node in fields_of(schema).items():
            yield annotated(schema), field, node


def test_the_table_is_whole() -> None:
    assert (len(MESSAGES), len(FIELDS)) == (65, 403)
    assert (len(VALUES), sum(map(len, VALUES.values()))) == (14, 109)


def test_every_schema_says_what_it_is_on_the_wire() -> None:
    kinds = {"x-protobuf-message", "x-protobuf-enum", "x-json-only"}
    assert [name for name, schema in SCHEMAS.items() if len(kinds & schema.keys()) != 1] == []


def test_no_message_and_no_field_is_lost() -> None:
    found = {
        (annotated(schema), field)
        for schema in message_schemas().values()
        for field in fields_of(schema)
    }
    assert found == FIELDS.keys()


def test_fields_are_those_of_the_messages() -> None:
    for message, field, node in fields_of_messages():
        annotation = node["x-protobuf-field"]
        assert annotation.keys() == {"number", "type", "presence"}, (message, field)
        assert (
            field,
            annotation["number"],
            annotation["type"],
            annotation["presence"],
            node.get("x-protobuf-oneof", ""),
        ) == FIELDS[message, field]


def test_json_types_follow_wire_types() -> None:
    for message, field, node in fields_of_messages():
        _, _, wire_type, kind, _ = FIELDS[message, field]
        if kind == "repeated":
            assert node["type"] == "array", (message, field)
            check_type(node["items"], wire_type)
        elif kind == "map":
            assert node["type"] == "object", (message, field)
            key, value = wire_type.removeprefix("map<").removesuffix(">").split(",")
            check_type(node["additionalProperties"], value)
            assert ("propertyNames" in node) == (key != "string")
        else:
            check_type(node, wire_type)


def check_type(node: dict[str, Any], wire_type: str) -> None:
    if wire_type in SCALARS:
        assert SCALARS[wire_type].items() <= node.items()
        return
    target = SCHEMAS[node["$ref"].removeprefix("#/components/schemas/")]
    full = target.get("x-protobuf-message") or target["x-protobuf-enum"]
    assert full == PACKAGE + wire_type


def test_what_the_wire_cannot_leave_out_is_required() -> None:
    """A request asks for less: what the service fills in is not there yet."""
    for name, schema in message_schemas().items():
        if schema.get("additionalProperties") is False:
            continue
        for field in fields_of(schema):
            _, _, wire_type, kind, _ = FIELDS[annotated(schema), field]
            is_plain = wire_type not in MESSAGES and not wire_type.startswith("google.")
            if kind in {"repeated", "map"} or (kind == "plain" and is_plain):
                assert field in schema["required"], (name, field)
            if kind in {"optional", "oneof"}:
                assert field not in schema.get("required", ()), (name, field)


def test_enums_have_the_values_of_the_wire() -> None:
    found = {
        schema["x-protobuf-enum"].removeprefix(PACKAGE): schema
        for schema in SCHEMAS.values()
        if "x-protobuf-enum" in schema
    }
    assert found.keys() == VALUES.keys()
    for name, schema in found.items():
        added = schema.get("x-extension", [])
        official = {
            key: n for key, n in schema["x-protobuf-enum-values"].items() if key not in added
        }
        assert official == VALUES[name], name
        assert set(added) == schema["x-protobuf-enum-values"].keys() - VALUES[name].keys()
        # Far from what a newer official client may know.
        assert all(schema["x-protobuf-enum-values"][key] >= 1_000_000 for key in added), name
        assert schema["enum"] == list(schema["x-protobuf-enum-values"]), name


OPERATIONS = {
    operation["operationId"]: operation
    for item in CONTRACT["paths"].values()
    for method, operation in item.items()
    if method != "parameters"
}


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_operations_name_the_messages_of_their_bodies(operation_id: str) -> None:
    operation = OPERATIONS[operation_id]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    check_message(operation["x-protobuf-request"], body)
    success = next(r for status, r in operation["responses"].items() if status.startswith("2"))
    check_message(
        operation["x-protobuf-response"], success.get("content", {}).get("application/json")
    )


def check_message(annotation: str | None, content: dict[str, Any] | None) -> None:
    if content is None:
        assert annotation is None
        return
    schema = SCHEMAS[content["schema"]["$ref"].removeprefix("#/components/schemas/")]
    assert schema.get("x-protobuf-message") == annotation


def test_bare_answers_are_members_of_their_full_forms() -> None:
    bare = {
        name: operation["x-protobuf-response-bare"]
        for name, operation in OPERATIONS.items()
        if "x-protobuf-response-bare" in operation
    }
    transfers = {name for name in OPERATIONS if name.startswith("start") or "Download" in name}
    assert bare.keys() == transfers
    for name, message in bare.items():
        full = OPERATIONS[name]["x-protobuf-response"].removeprefix(PACKAGE)
        assert message.removeprefix(PACKAGE) in {
            field[2] for (owner, _), field in FIELDS.items() if owner == full
        }
        names = {parameter.get("$ref", "") for parameter in OPERATIONS[name]["parameters"]}
        assert "#/components/parameters/SupportsS3Credentials" in names
