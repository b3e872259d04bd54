"""Random and spoilt protobuf bodies at every operation that takes one: never the hub's fault."""

import json
import string
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.contract_values import answers
from support.hub_http import DEVICE, Api, problem

from qai_hub.wire import decode, encode

PROTOBUF = "application/x-protobuf"
OFFICIAL = {"Content-Type": PROTOBUF, "Accept": "*/*"}
OPERATIONS: dict[str, dict[str, Any]] = {
    name: operation
    for name, operation in json.loads(
        files("qai_hub_api").joinpath("operations.json").read_text("utf-8")
    ).items()
    if operation["request"]
}


@pytest.fixture(scope="module")
def ids(ada: Api, model: str) -> dict[str, str]:
    """What is there, by the names of parameters and fields."""
    job, _ = ada.compile(model)
    return {
        "model_id": model,
        "dataset_id": ada.upload_dataset(),
        "job_id": job,
        "project_id": ada.get("users/auth/user/")["default_project_id"],
    }


def known(value: Any, ids: dict[str, str]) -> Any:
    """A message about things that are there, so that it gets past the first checks."""
    if isinstance(value, list):
        return [known(item, ids) for item in value]
    if not isinstance(value, dict):
        return value
    made = {name: ids.get(name, known(item, ids)) for name, item in value.items()}
    if "device" in made:
        made["device"] = DEVICE
    if "devices" in made:
        made["devices"] = {"devices": [DEVICE]}
    return made


@st.composite
def bodies(draw: st.DrawFn, message: str, ids: dict[str, str]) -> bytes:
    """Bytes that are such a message, were one, or look like none."""
    drawn = draw(answers(message))
    body = encode(message, known(drawn, ids) if draw(st.booleans()) else drawn)
    where = draw(st.integers(0, len(body)))
    noise = draw(st.binary(min_size=1, max_size=6))
    return draw(
        st.sampled_from(
            [
                body,
                body[:where],
                body[:where] + noise + body[where:],
                body[:where] + noise + body[where + len(noise) :],
                body + body,
                noise,
            ]
        )
    )


@pytest.mark.parametrize("name", sorted(OPERATIONS))
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_bytes_are_taken_or_refused(
    ada: Api, ids: dict[str, str], name: str, data: st.DataObject
) -> None:
    operation = OPERATIONS[name]
    fields = [field for _, field, _, _ in string.Formatter().parse(operation["path"]) if field]
    path = operation["path"].format(**{field: ids[field] for field in fields})
    body = data.draw(bodies(operation["request"], ids))
    answer = ada.http.request(operation["method"], path, content=body, headers=OFFICIAL)
    if answer.is_success:
        assert answer.headers["Content-Type"] == PROTOBUF
        decode(operation["response"], answer.content)
    else:
        assert answer.status_code in {400, 403, 404, 409, 413}
        assert problem(answer, answer.status_code)
