"""Enums that are written out in the client and in the local hub, held to those of the contract.

The client's have other names for a few values, and the numbers of the wire; the hub's hold what it
uses. A value that the contract gains has to be added, or to be listed here as not offered.
"""

import ast
import inspect
import re
from enum import Enum, StrEnum
from pathlib import Path
from typing import get_args

import pytest
import yaml

import qai_hub
from qai_hub.local import enums
from qai_hub.local.api import uploads
from qai_hub.local.engine.onnx import signature
from qai_hub.local.engine.options import FULL_TYPES, HALF, parse_full_type
from qai_hub.local.engine.protocol import NoticeContext, NoticeSeverity
from qai_hub.tensors import DTYPES, dtype_from_wire, dtype_to_wire

ROOT = Path(__file__).parents[2]
SCHEMAS = yaml.load(
    (ROOT / "openapi.yaml").read_text("utf-8"),
    Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
)["components"]["schemas"]
NUMBERS: dict[str, dict[str, int]] = {
    name: schema["x-protobuf-enum-values"]
    for name, schema in SCHEMAS.items()
    if "x-protobuf-enum-values" in schema
}
PREFIXES = {
    "ComputeUnit": "COMPUTE_UNIT_",
    "JobArtifactType": "JOB_ARTIFACT_TYPE_",
    "JobFailureType": "JOB_FAILURE_TYPE_",
    "JobState": "JOB_STATE_",
    "JobType": "JOB_TYPE_",
    "ModelMetadataKey": "MODEL_METADATA_KEY_",
    "ModelType": "MODEL_TYPE_",
    "QuantizeDtype": "QUANTIZE_DTYPE_",
    "TensorDtype": "TENSOR_DTYPE_",
}

# By the contract's enum: the client's, its other names for values, and what it does not offer.
CLIENT: dict[str, tuple[type[Enum], dict[str, str], set[str]]] = {
    "JobState": (qai_hub.JobStatus.State, {"SUCCESS": "DONE"}, set()),
    # As in the official client, a profile job is an inference job.
    "JobType": (qai_hub.JobType, {"PROFILE": "INFERENCE"}, {"PROFILE"}),
    "JobArtifactType": (
        qai_hub.JobArtifactType,
        {},
        {"UNSPECIFIED", "NETRON_VIZ_ARCHIVE"},
    ),
    "ModelType": (
        qai_hub.SourceModelType,
        {"UNRECOGNIZED_MODEL_TYPE": "UNSPECIFIED"},
        {"DEPRECATED_UNTRACED_TORCHSCRIPT", "ORT", "AIMET_PT"},
    ),
    "ModelMetadataKey": (
        qai_hub.ModelMetadataKey,
        {"QNN_CONTEXT_BIN_GRAPH_NAMES": "QNN_MODEL_GRAPH_NAMES"},
        set(),
    ),
    "QuantizeDtype": (qai_hub.QuantizeDtype, {}, {"UNSPECIFIED", "UINT8", "UINT16", "UINT4"}),
}
# By the contract's enum: the hub's; its names for values, where they are shorter, are its own.
HUB: dict[str, type[StrEnum]] = {
    "ComputeUnit": enums.ComputeUnit,
    "JobArtifactType": enums.ArtifactType,
    "JobFailureType": enums.FailureType,
    "JobState": enums.JobState,
    "ModelType": enums.ModelType,
}


def contract(name: str) -> dict[str, int]:
    """The numbers of an enum's values by their names without the prefix."""
    assert all(value.startswith(PREFIXES[name]) for value in NUMBERS[name])
    return {value.removeprefix(PREFIXES[name]): n for value, n in NUMBERS[name].items()}


@pytest.mark.parametrize("name", CLIENT)
def test_members_of_the_client_have_the_numbers_of_the_wire(name: str) -> None:
    ours, renamed, _ = CLIENT[name]
    numbers = contract(name)
    members = ours.__members__.items()
    assert {key: member.value for key, member in members} == {
        key: numbers[renamed.get(key, key)] for key, _ in members
    }


@pytest.mark.parametrize("name", CLIENT)
def test_the_client_offers_every_value_that_is_not_listed_here(name: str) -> None:
    ours, renamed, not_offered = CLIENT[name]
    offered = {renamed.get(key, key) for key in ours.__members__}
    assert set(contract(name)) - offered == not_offered


def test_types_of_jobs_have_the_names_of_the_contract() -> None:
    names = set(SCHEMAS["JobTypeName"]["enum"])
    assert {member.lower() for member in qai_hub.JobType.__members__} - {"unspecified"} == names
    assert set(get_args(enums.JobTypeName)) == names


def test_notices_of_the_hub_have_the_words_of_the_contract() -> None:
    assert set(get_args(NoticeSeverity)) == set(NUMBERS["NoticeSeverity"])
    assert set(get_args(NoticeContext)) == set(NUMBERS["NoticeContext"])


def test_types_that_models_are_quantized_to_are_in_the_contract() -> None:
    # Nothing is quantized to half floats: models are converted to them.
    names = set(FULL_TYPES.split("|")) - {HALF}
    types = {each for name in names for each in parse_full_type(name)}
    assert types == set(qai_hub.QuantizeDtype.__members__)
    assert types < set(contract("QuantizeDtype"))


def test_dtypes_of_client_and_hub_are_those_of_the_contract() -> None:
    names = {name.lower() for name in contract("TensorDtype")} - {"unspecified"}
    assert set(DTYPES) == names
    assert set(signature.DTYPES.values()) == names
    assert {dtype_to_wire(dtype) for dtype in DTYPES} < set(NUMBERS["TensorDtype"])
    assert [dtype_from_wire(dtype_to_wire(dtype)) for dtype in DTYPES] == list(DTYPES)


@pytest.mark.parametrize("name", HUB)
def test_values_of_the_hub_are_those_of_the_contract(name: str) -> None:
    assert {member.value for member in HUB[name]} <= set(NUMBERS[name])
    for member in HUB[name]:
        words = member.value.removeprefix(PREFIXES[name]).split("_")
        assert set(member.name.split("_")) <= set(words), f"{member.name} is {member.value}"


def test_all_enums_of_the_hub_are_compared() -> None:
    written = inspect.getmembers(enums, lambda each: inspect.isclass(each) and each is not StrEnum)
    assert {each for _, each in written} == set(HUB.values())


def test_the_hub_knows_every_state() -> None:
    known = {state.value for state in enums.JobState}
    assert set(NUMBERS["JobState"]) - known == {"JOB_STATE_UNSPECIFIED"}


def test_each_format_that_users_upload_has_a_file_name_extension() -> None:
    assert set(uploads.EXTENSIONS) == set(enums.ModelType)
    known = {model_type.value for model_type in enums.ModelType}
    not_offered = {f"MODEL_TYPE_{name}" for name in CLIENT["ModelType"][2]}
    rest = {"MODEL_TYPE_UNSPECIFIED", "MODEL_TYPE_TETRART", *not_offered}
    assert set(NUMBERS["ModelType"]) - known == rest


def test_every_value_that_code_writes_out_is_in_the_contract() -> None:
    values = {value for numbers in NUMBERS.values() for value in numbers}
    like_a_value = re.compile(rf"\b(?:{'|'.join(PREFIXES.values())})\w+")
    found = {
        value
        for path in Path(qai_hub.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for value in like_a_value.findall(node.value)
    }
    assert "JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY" in found
    assert found - values == set()
