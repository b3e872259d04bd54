"""From wire annotations to the descriptor, the readers and the table of operations."""

import copy
import importlib.util
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from support.changed_contract import changed_contract
from wire_files import compile_wire

FIELD = {"number": 1, "type": "string", "presence": "plain"}
SMALL: dict[str, Any] = {
    "components": {
        "schemas": {
            "Pet": {
                "x-protobuf-message": "qai_hub.api.Pet",
                "properties": {
                    "name": {"x-protobuf-field": FIELD},
                    "colour": {"type": "string"},
                },
            },
            "PetCreate": {
                "x-protobuf-message": "qai_hub.api.Pet",
                "properties": {"name": {"x-protobuf-field": FIELD}},
            },
        }
    },
    "paths": {
        "/pets/": {
            "post": {
                "operationId": "createPet",
                "x-protobuf-request": "qai_hub.api.Pet",
                "x-protobuf-response": "qai_hub.api.Pet",
                "responses": {"201": {"schema": {"$ref": "#/components/schemas/Pet"}}},
            },
            "get": {"operationId": "countPets", "responses": {}},
        }
    },
}


def small(**changes: Any) -> dict[str, Any]:
    """The small contract with a change: a field of `Pet`, or an annotation of `createPet`."""
    contract = copy.deepcopy(SMALL)
    fields = contract["components"]["schemas"]["Pet"]["properties"]
    for name, value in changes.items():
        if name.startswith("x_"):
            contract["paths"]["/pets/"]["post"][name.replace("_", "-")] = value
        else:
            fields[name] = {"x-protobuf-field": value}
    return contract


def test_schemas_of_one_message_are_one() -> None:
    file = FileDescriptorProto.FromString(compile_wire(SMALL).descriptor)
    assert [message.name for message in file.message_type] == ["Pet"]


def test_what_has_no_annotation_stays_out() -> None:
    made = compile_wire(SMALL)
    (message,) = FileDescriptorProto.FromString(made.descriptor).message_type
    assert [field.name for field in message.field] == ["name"]
    assert json.loads(made.operations)["countPets"]["response"] is None


def test_a_new_field_without_annotation_changes_no_descriptor() -> None:
    """The new field, enum value and job type of that contract are JSON on every wire."""
    todays = files("qai_hub_api").joinpath("wire.desc").read_bytes()
    made = compile_wire(changed_contract())
    assert made.descriptor == todays
    assert json.loads(made.operations)["explainJob"]["response"] == "qai_hub.api.Job"


def test_readers_read_fields_whatever_their_names(tmp_path: Path) -> None:
    """Python keeps the name `class` for itself."""
    made = compile_wire(small(**{"class": {**FIELD, "number": 2, "presence": "optional"}}))
    (tmp_path / "readers.py").write_text(made.readers, "utf-8")
    spec = importlib.util.spec_from_file_location("readers", tmp_path / "readers.py")
    assert spec is not None
    assert spec.loader is not None
    readers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(readers)
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(made.descriptor)
    pet: Any = GetMessageClass(pool.FindMessageTypeByName("qai_hub.api.Pet"))(name="Rex")
    read, values = readers.READERS["qai_hub.api.Pet"], readers.Values(str, float)
    assert read(pet, values) == {"name": "Rex"}
    setattr(pet, "class", "dog")
    assert read(pet, values) == {"name": "Rex", "class": "dog"}


def test_the_same_annotations_give_the_same_bytes() -> None:
    turned = copy.deepcopy(SMALL)
    schemas = turned["components"]["schemas"]
    turned["components"]["schemas"] = dict(reversed(schemas.items()))
    turned["paths"]["/pets/"] = dict(reversed(turned["paths"]["/pets/"].items()))
    assert compile_wire(turned) == compile_wire(SMALL)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": {**FIELD, "number": 2}}, "other schemas of its message differ"),
        ({"owner": {**FIELD, "number": 2, "type": "Person"}}, "there is no type Person"),
        ({"ages": {"number": 2, "type": "map<string>", "presence": "map"}}, "shorter|value"),
        ({"x_protobuf_response": "qai_hub.api.Person"}, "there is no message"),
        ({"x_protobuf_response": "Pet"}, "there is no message Pet"),
        ({"x_protobuf_response_bare": "qai_hub.api.Pet"}, "has not one field"),
    ],
)
def test_annotations_that_are_wrong_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        compile_wire(small(**changes))


def test_names_of_another_package_are_refused() -> None:
    contract = copy.deepcopy(SMALL)
    contract["components"]["schemas"]["Pet"]["x-protobuf-message"] = "other.Pet"
    with pytest.raises(ValueError, match=r"start with qai_hub\.api"):
        compile_wire(contract)
