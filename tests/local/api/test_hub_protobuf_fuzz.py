"""Random and spoilt protobuf bodies at every operation that takes one: never the hub's fault."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract_strategies import answers
from support.hub_http import DEVICE, Api, problem

from qai_hub.wire import decode, encode

PROTOBUF = "application/x-protobuf"
OFFICIAL = {"Content-Type": PROTOBUF, "Accept": "*/*"}
Json = dict[str, Any]
OPERATIONS: dict[str, Json] = {
    name: operation
    for name, operation in json.loads(
        files("qai_hub_api").joinpath("operations.json").read_text("utf-8")
    ).items()
    if operation["request"]
}


@pytest.fixture(scope="module")
def ids(ada: Api) -> dict[str, str]:
    """What is there for these requests alone, by the names of parameters and fields."""
    model = ada.upload_model()
    job, _ = ada.compile(model)
    return {
        "model_id": model,
        "dataset_id": ada.upload_dataset(),
        "job_id": job,
        "project_id": ada.get("users/auth/user/")["default_project_id"],
    }


def sound(message: str, ids: dict[str, str]) -> list[Json]:
    """Messages that the hub takes."""
    model = {"model_id": ids["model_id"]}
    dataset = {"dataset_id": ids["dataset_id"]}
    dtypes = dict.fromkeys(["weights_dtype", "activations_dtype"], "QUANTIZE_DTYPE_INT8")
    takes: dict[str, list[Json]] = {
        "Job": [
            {"compile_job": {"model": model, "devices": {"devices": [DEVICE]}, "options": "-o 1"}},
            {"inference_job": {"model": model, "device": DEVICE, "dataset": dataset, "name": "i"}},
            {"link_job": {"models": {"models": [model]}, "device": DEVICE}},
            {"quantize_job": {"model": model, "calibration_dataset": dataset, **dtypes}},
        ],
        "JobPublicUpdate": [{"name": "a name"}],
        "Model": [{"name": "a name", "model_type": "MODEL_TYPE_ONNX", "is_directory": True}],
        "Dataset": [{"name": "a name"}, {"name": "a name", "permanent": True}],
        "FileMultipartUploadComplete": [{"upload_id": "u", "etags": ["e"]}],
        "SharedAccessChange": [{"add_email": ["bob@example.com"], "remove_email": []}],
    }
    return takes[message.rpartition(".")[2]]


def mixed(draw: st.DrawFn, value: Json, other: Json) -> Json:
    """A message with some fields of another one."""
    made = dict(value)
    for name, item in other.items():
        old = value.get(name)
        if isinstance(old, dict) and isinstance(item, dict):
            made[name] = mixed(draw, old, item)
        elif draw(st.integers(0, 3)) == 0:
            made[name] = item
    return made


@st.composite
def bodies(draw: st.DrawFn, message: str, ids: dict[str, str]) -> bytes:
    """Bytes that are such a message, nearly are one, were one, or look like none."""
    value = draw(st.sampled_from(sound(message, ids)))
    if message.endswith(".Job"):
        ((kind, inner),) = value.items()
        of_kind = "qai_hub.api." + kind.title().replace("_", "")
        value = {kind: mixed(draw, inner, draw(answers(of_kind)))}
    else:
        value = mixed(draw, value, draw(answers(message)))
    body = encode(message, value)
    where = draw(st.integers(0, len(body)))
    noise = draw(st.binary(min_size=1, max_size=6))
    spoilt = [
        body[:where],
        body[:where] + noise + body[where:],
        body[:where] + noise + body[where + len(noise) :],
        body + body,
        noise,
    ]
    return draw(st.just(body) | st.sampled_from(spoilt))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_bytes_are_taken_or_refused(
    ada: Api, ids: dict[str, str], name: str, data: st.DataObject
) -> None:
    operation = OPERATIONS[name]
    path = operation["path"].removeprefix("/api/v1/").format_map(ids)
    body = data.draw(bodies(operation["request"], ids))
    answer = ada.http.request(operation["method"], path, content=body, headers=OFFICIAL)
    if answer.is_success:
        assert answer.headers["Content-Type"] == PROTOBUF
        decode(operation["response"], answer.content)
    else:
        assert answer.status_code in {400, 403, 404, 409, 413}
        assert problem(answer, answer.status_code)
