"""The compiled descriptor and operations, held against the table of the official messages.

`tests/data/wire.csv` lists what release 0.56.0 of the official client speaks.
"""

import csv
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from qai_hub.wire.descriptor import load_descriptor, message_class

ROOT = Path(__file__).parents[2]
PACKAGE = "qai_hub.api."
OPERATIONS: dict[str, dict[str, Any]] = json.loads(
    files("qai_hub_api").joinpath("operations.json").read_text("utf-8")
)
CONTRACT = json.loads(files("qai_hub_api").joinpath("openapi.json").read_text("utf-8"))

FIELDS: dict[str, set[tuple[str, ...]]] = {}
VALUES: dict[str, dict[str, int]] = {}
with (ROOT / "tests" / "data" / "wire.csv").open(encoding="utf-8", newline="") as _table:
    for _row in csv.DictReader(_table):
        _name = _row["message_or_enum"]
        if _row["kind"] == "value":
            VALUES.setdefault(_name, {})[_row["name"]] = int(_row["number"])
        else:
            _told = tuple(_row[key] for key in ("name", "number", "type", "kind", "oneof"))
            FIELDS.setdefault(_name, set()).add(_told)


def of_type(field: FieldDescriptorProto) -> str:
    entry = load_descriptor().entries.get(field.type_name.lstrip("."))
    if entry is not None:
        return f"map<{of_type(entry.field[0])},{of_type(entry.field[1])}>"
    if field.type_name:
        return field.type_name.lstrip(".").removeprefix(PACKAGE)
    return field.Type.Name(field.type).removeprefix("TYPE_").lower()


def kind_of(message: DescriptorProto, field: FieldDescriptorProto) -> tuple[str, str]:
    """Kind of a field, and its oneof."""
    if field.type_name.lstrip(".") in load_descriptor().entries:
        return "map", ""
    if field.label == field.LABEL_REPEATED:
        return "repeated", ""
    if field.proto3_optional:
        oneof = message.oneof_decl[field.oneof_index].name
        assert oneof == f"_{field.name}"
        return "optional", ""
    if field.HasField("oneof_index"):
        return "oneof", message.oneof_decl[field.oneof_index].name
    return "plain", ""


def test_messages_are_those_of_the_table() -> None:
    assert load_descriptor().messages.keys() == {PACKAGE + name for name in FIELDS}


def test_fields_are_those_of_the_table() -> None:
    for name, fields in FIELDS.items():
        message = load_descriptor().messages[PACKAGE + name]
        found = [
            (field.name, str(field.number), of_type(field), *kind_of(message, field))
            for field in message.field
        ]
        assert len(found) == len(fields), name
        assert set(found) == fields, name


def test_enums_are_those_of_the_table() -> None:
    found = {
        name.removeprefix(PACKAGE): {value.name: value.number for value in enum.value}
        for name, enum in load_descriptor().enums.items()
    }
    added = {
        name: {value: schema["x-protobuf-enum-values"][value] for value in schema["x-extension"]}
        for name, schema in CONTRACT["components"]["schemas"].items()
        if "x-extension" in schema
    }
    assert found == {name: values | added.get(name, {}) for name, values in VALUES.items()}


def test_protobuf_takes_each_message() -> None:
    for name in FIELDS:
        assert message_class(PACKAGE + name)().SerializeToString() == b"", name


def test_operations_are_those_of_the_contract() -> None:
    found = {name: (entry["method"], entry["path"]) for name, entry in OPERATIONS.items()}
    assert found == {
        operation["operationId"]: (method.upper(), path)
        for path, item in CONTRACT["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def test_operations_name_messages_of_the_descriptor() -> None:
    for entry in OPERATIONS.values():
        for name in (entry["request"], entry["response"]):
            assert name is None or name in load_descriptor().messages


def test_bare_answers_are_a_field_of_the_full_ones() -> None:
    bare = {name: entry for name, entry in OPERATIONS.items() if "bare" in entry}
    assert {re.sub("Dataset|Model|CompiledModel", "X", name) for name in bare} == {
        "getXDownload",
        "startXUpload",
    }
    for entry in bare.values():
        assert entry["bare"]["unless"] == "supports_s3_credentials"
        fields = {field[0]: field[2] for field in FIELDS[entry["response"].removeprefix(PACKAGE)]}
        assert PACKAGE + fields[entry["bare"]["field"]] == entry["bare"]["message"]
