"""JSON to messages and back, for whatever the contract allows and much that it does not."""

import importlib
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qai_hub_api.types import UNSET
from qai_hub_api.wire_models import READERS
from support.contract_strategies import ANSWERS, answers

from qai_hub import wire
from qai_hub.wire.descriptor import load_descriptor, message_class

API = "qai_hub.api"
JOB, USER, MODEL, TENSOR = f"{API}.Job", f"{API}.User", f"{API}.Model", f"{API}.TensorType"
EMPTY_USER = {"id": 0, "first_name": "", "last_name": "", "email": "", "org_id": 0}
EMPTY_JOB = {
    "notices": [],
    "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
    "available_artifacts": [],
}


def there_and_back(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return wire.decode(name, wire.encode(name, value))


@pytest.mark.parametrize("name", sorted(ANSWERS))
@settings(max_examples=10)
@given(data=st.data())
def test_what_the_contract_allows_comes_back_unchanged(name: str, data: st.DataObject) -> None:
    value = data.draw(answers(name))
    content = wire.encode(name, value)
    assert wire.decode(name, content) == value
    message = message_class(name).FromString(content)
    assert wire.parse(name, wire.to_json(message)) == message


@pytest.mark.parametrize("name", sorted(ANSWERS))
@settings(max_examples=10)
@given(data=st.data())
def test_generated_models_take_what_the_wire_gives(name: str, data: st.DataObject) -> None:
    value = data.draw(answers(name))
    model = getattr(importlib.import_module("qai_hub_api.models"), ANSWERS[name])
    content = wire.encode(name, value)
    read = model.from_dict(wire.decode(name, content))
    assert there_and_back(name, read.to_dict()) == value
    if name in READERS:
        assert wire.decode_model(name, content) == read


@pytest.mark.parametrize("name", [JOB, MODEL, f"{API}.JobResult", f"{API}.JobSummaryList"])
@given(content=st.binary(max_size=200))
def test_bytes_are_a_message_or_one_error(name: str, content: bytes) -> None:
    try:
        value = wire.decode(name, content)
    except wire.WireError as error:
        assert name in str(error)
    else:
        assert there_and_back(name, value) == value


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["compile_job", "user", "id", "x"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_message_or_one_error(value: Any) -> None:
    try:
        content = wire.encode(JOB, value)
    except wire.WireError as error:
        assert str(error).startswith(f"{JOB}: ")
    else:
        assert isinstance(wire.decode(JOB, content), dict)


def test_what_the_wire_cannot_leave_out_is_always_there() -> None:
    assert wire.decode(USER, b"") == EMPTY_USER
    assert wire.decode(JOB, b"") == EMPTY_JOB
    assert wire.decode(f"{API}.ModelMetadata", b"") == {"entries": {}}


def test_absent_and_empty_are_different() -> None:
    for token in ({}, {"token": ""}, {"token": "x"}):
        assert there_and_back(USER, {**EMPTY_USER, **token}) == {**EMPTY_USER, **token}


def test_a_message_without_content_is_there() -> None:
    assert there_and_back(MODEL, {"owner": {}}) == {"owner": EMPTY_USER}
    assert there_and_back(JOB, {"link_job": {}})["link_job"]["name"] == ""


def test_answers_hold_no_list_of_each_other() -> None:
    wire.decode(JOB, b"")["notices"].append("mine")
    assert wire.decode(JOB, b"") == EMPTY_JOB


def test_numbers_stand_for_enum_values_without_a_name() -> None:
    content = wire.encode(JOB, {"failure_type": 77, "available_artifacts": [1, 99]})
    value = wire.decode(JOB, content)
    assert value["failure_type"] == 77
    assert value["available_artifacts"] == ["JOB_ARTIFACT_TYPE_DEVICE_LOG", 99]
    assert wire.encode(JOB, value) == content


def test_fields_without_a_number_stay_behind() -> None:
    assert there_and_back(USER, {**EMPTY_USER, "new": {"a": [1]}}) == EMPTY_USER


def test_fields_that_are_not_known_are_passed_over() -> None:
    newer = message_class(JOB).FromString(b"\x9a\x3e\x03abc" + b"\xa0\x3e\x05")
    assert wire.to_json(newer) == EMPTY_JOB


def test_times_are_utc_and_keep_what_they_have() -> None:
    def back(time: str) -> str:
        value = there_and_back(MODEL, {"creation_time": time})
        return str(value["creation_time"])

    assert back("2026-01-02T03:04:05Z") == "2026-01-02T03:04:05.000000Z"
    assert back("2026-01-02t03:04:05.1z") == "2026-01-02T03:04:05.100000Z"
    assert back("2026-01-02T03:04:05.000006+05:30") == "2026-01-01T21:34:05.000006Z"
    assert back("2026-01-02T03:04:05.123456789Z") == "2026-01-02T03:04:05.123456789Z"
    assert back("0001-01-01T00:00:00Z") == "0001-01-01T00:00:00.000000Z"
    assert back("1969-12-31T23:59:59.999999Z") == "1969-12-31T23:59:59.999999Z"


@pytest.mark.parametrize(
    "time",
    [
        *("", "now", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", 5, None, True),
        *("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-01-02T03:04:05.Z"),
    ],
)
def test_other_times_are_refused(time: object) -> None:
    with pytest.raises(wire.WireError, match="creation_time"):
        wire.encode(MODEL, {"creation_time": time})


@pytest.mark.parametrize(
    ("seconds", "nanos"), [(2**62, 0), (-(2**62), 0), (300_000_000_000, 0), (0, -1), (0, 10**9)]
)
def test_a_moment_that_no_calendar_has_is_refused(seconds: int, nanos: int) -> None:
    message: Any = message_class(MODEL)()
    message.creation_time.seconds, message.creation_time.nanos = seconds, nanos
    with pytest.raises(wire.WireError, match=MODEL):
        wire.decode(MODEL, message.SerializeToString())
    # For a client it is one that is not told.
    assert wire.decode_model(MODEL, message.SerializeToString()).creation_time is UNSET


def test_times_may_be_moments() -> None:
    content = wire.encode(MODEL, {"creation_time": "2026-01-02T03:04:05.123456789Z"})
    moment = wire.decode_model(MODEL, content).creation_time
    assert moment == datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
    assert moment.tzinfo is UTC


def test_numbers_of_single_precision_are_short() -> None:
    value = {"shape": [2**63 - 1, -(2**63)], "dtype": "TENSOR_DTYPE_INT8", "scale": 0.1}
    assert there_and_back(TENSOR, value) == value
    with pytest.raises(wire.WireError, match="scale"):
        wire.encode(TENSOR, {"scale": 1e39})


def test_numbers_that_json_has_no_sign_for() -> None:
    for named, meant in [("Infinity", math.inf), ("-Infinity", -math.inf), (math.inf, math.inf)]:
        value = there_and_back(TENSOR, {"scale": named, "zero_point": named})
        assert (value["scale"], value["zero_point"]) == (meant, meant)
    value = there_and_back(TENSOR, {"scale": "NaN", "zero_point": math.nan})
    assert math.isnan(value["scale"])
    assert math.isnan(value["zero_point"])


def test_a_number_without_a_fraction_is_an_integer() -> None:
    value = there_and_back(USER, {**EMPTY_USER, "id": 7.0})
    assert value["id"] == 7
    assert isinstance(value["id"], int)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "job",
        {"compile_job": {}, "link_job": {}},
        {"compile_job": None},
        {"compile_job": {"user": {"id": -1}}},
        {"compile_job": {"user": {"id": 2**64}}},
        {"compile_job": {"user": {"id": 1.5}}},
        {"compile_job": {"user": {"id": True}}},
        {"compile_job": {"user": {"id": "1"}}},
        {"compile_job": {"name": b"bytes"}},
        {"compile_job": {"name": "\ud800"}},
        {"compile_job": {"target_model": {"metadata": {"entries": {"x": "y"}}}}},
        {"compile_job": {"target_model": {"metadata": {"entries": {"4294967296": "y"}}}}},
        {"compile_job": {"target_model": {"metadata": {"entries": ["1"]}}}},
        {"compile_job": {"tensor_type_list": {"types": {"name": "x"}}}},
        {"notices": [{"severity": "LOUD"}]},
        {"failure_type": None},
        {"failure_type": True},
        {"failure_type": 2**31},
        {"available_artifacts": "JOB_ARTIFACT_TYPE_HUB_LOG"},
        {"read_only": 1},
        {"hub_version": 1},
    ],
)
def test_what_the_contract_does_not_allow_is_refused(value: Any) -> None:
    with pytest.raises(wire.WireError, match=JOB):
        wire.encode(JOB, value)


def test_the_error_names_the_field() -> None:
    with pytest.raises(wire.WireError, match=r"Job: compile_job: user: id: it must be an integer"):
        wire.encode(JOB, {"compile_job": {"user": {"id": "1"}}})


def test_many_bytes_are_not_read() -> None:
    with pytest.raises(wire.WireError, match="too large"):
        wire.decode(JOB, bytes((32 << 20) + 1))


def test_a_nesting_bomb_is_refused() -> None:
    with pytest.raises(wire.WireError, match=JOB):
        wire.decode(JOB, b"\xa3\x06" * 100_000)


def test_messages_are_not_those_of_another_pool() -> None:
    from google.protobuf import descriptor_pool

    assert load_descriptor().pool is not descriptor_pool.Default()
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName(JOB)
