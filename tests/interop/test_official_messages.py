"""Our descriptor and our reading of messages, against those inside the official package."""

import importlib.util
import json
import os
import subprocess
from functools import reduce
from importlib.resources import files
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract_strategies import ANSWERS, answers

from qai_hub import wire
from qai_hub.wire.descriptor import load_descriptor

CONTRACT = json.loads(files("qai_hub_api").joinpath("openapi.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def official() -> Any:
    """The official module, loaded into this process: its messages live in the default pool."""
    code = "import qai_hub.public_api_pb2 as pb; print(pb.__file__)"
    command = [os.environ["OFFICIAL_PYTHON"], "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    spec = importlib.util.spec_from_file_location("official_pb2", done.stdout.strip())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(message: DescriptorProto) -> dict[str, Any]:
    """What a message is on the wire and in Python, whatever the order of its parts."""
    fields = {}
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        fields[field.number] = (
            *(field.name, field.type, field.type_name, field.label, field.proto3_optional),
            oneof,
        )
    return {
        "fields": fields,
        "nested": {inner.name: picture(inner) for inner in message.nested_type},
        "enums": {enum.name: {v.name: v.number for v in enum.value} for enum in message.enum_type},
        "is_entry": message.options.map_entry,
    }


def test_the_descriptors_do_not_differ(official: Any) -> None:
    file = FileDescriptorProto()
    official.DESCRIPTOR.CopyToProto(file)
    ours = load_descriptor().file
    assert (ours.package, ours.syntax) == (file.package, file.syntax)
    theirs = {message.name: picture(message) for message in file.message_type}
    for message in ours.message_type:
        assert picture(message) == theirs[message.name], message.name
    enums = {enum.name: {v.name: v.number for v in enum.value} for enum in file.enum_type}
    for enum in ours.enum_type:
        added = CONTRACT["components"]["schemas"][enum.name].get("x-extension", ())
        known = {v.name: v.number for v in enum.value if v.name not in added}
        assert known == enums[enum.name], enum.name


@pytest.mark.parametrize("name", sorted(ANSWERS))
@settings(max_examples=20)
@given(data=st.data())
def test_official_messages_come_back_unchanged(
    name: str, official: Any, data: st.DataObject
) -> None:
    theirs = reduce(getattr, name.removeprefix("qai_hub.api.").split("."), official)
    value = data.draw(answers(name))
    message = theirs.FromString(wire.encode(name, value))
    assert wire.decode(name, message.SerializeToString()) == value
    assert theirs.FromString(wire.encode(name, wire.to_json(message))) == message
