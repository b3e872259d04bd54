import copy
import dataclasses
import itertools
import logging
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.status import JobStatus

State = JobStatus.State
KNOWN = {
    "SUCCESS": 10,
    "FAILED": 30,
    "CREATED": 1,
    "UNSPECIFIED": 0,
    "OPTIMIZING_MODEL": 50,
    "PROVISIONING_DEVICE": 60,
    "MEASURING_PERFORMANCE": 70,
    "RUNNING_INFERENCE": 80,
    "QUANTIZING_MODEL": 90,
    "LINKING_MODELS": 100,
}


def test_states_in_order_with_their_numbers() -> None:
    assert {state.name: state.value for state in State} == KNOWN
    assert [state.name for state in State] == list(KNOWN)
    assert State.SUCCESS.value == 10
    assert JobStatus.State["FAILED"] is State(30)


@pytest.mark.parametrize("state", list(State))
def test_each_state_is_one_of_pending_running_finished(state: JobStatus.State) -> None:
    status = JobStatus(state, "why")
    assert status.code == state.name
    assert status.message == "why"
    assert status.success is (state.name == "SUCCESS")
    assert status.failure is (state.name == "FAILED")
    assert status.finished is (status.success or status.failure)
    assert status.pending is (state.name == "CREATED")
    assert status.running is not (status.finished or status.pending)
    assert status.symbol == {"SUCCESS": "✅", "FAILED": "❌"}.get(state.name, "⏳")


def test_running_states() -> None:
    expected = [name for name in KNOWN if name not in {"SUCCESS", "FAILED", "CREATED"}]
    assert [state.name for state in JobStatus.all_running_states()] == expected


def test_text() -> None:
    assert str(JobStatus(State.SUCCESS)) == "SUCCESS"
    assert str(JobStatus(State.FAILED, "no memory")) == "FAILED: no memory"
    assert repr(JobStatus(State.FAILED, "no")) == "JobStatus(code='FAILED', message='no')"


def test_a_status_does_not_change() -> None:
    status = JobStatus(State.CREATED)
    with pytest.raises(dataclasses.FrozenInstanceError):
        status.message = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        ("JOB_STATE_DONE", "SUCCESS"),
        ("JOB_STATE_FAILED", "FAILED"),
        ("JOB_STATE_CREATED", "CREATED"),
        ("JOB_STATE_UNSPECIFIED", "UNSPECIFIED"),
        ("JOB_STATE_SUCCESS", "SUCCESS"),
        ("LINKING_MODELS", "LINKING_MODELS"),
        ("JOB_STATE_", "UNSPECIFIED"),
        ("", "UNSPECIFIED"),
        *((number, name) for name, number in KNOWN.items()),
    ],
)
def test_known_states_of_the_wire(wire: str | int, code: str) -> None:
    status = JobStatus._from_wire(wire, "m")
    assert status.state is JobStatus.State[code]
    assert status.message == "m"


@pytest.mark.parametrize(
    ("wire", "code"), [("JOB_STATE_DREAMING", "DREAMING"), ("odd", "odd"), (123, "UNKNOWN_123")]
)
def test_unknown_states_are_kept(wire: str | int, code: str) -> None:
    status = JobStatus._from_wire(wire)
    assert isinstance(status.state, State)
    assert (status.code, status.state.name, status.state.value) == (code, code, wire)
    assert (status.finished, status.pending, status.running) == (False, False, True)
    assert status.symbol == "⏳"
    assert code in repr(status.state)
    assert status == code
    assert status.state not in list(State)
    assert JobStatus._from_wire(wire).state is status.state


@pytest.mark.parametrize("wire", ["JOB_STATE_DREAMING", 123, 10, "JOB_STATE_FAILED"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_members_survive_pickle_and_copy(wire: str | int, protocol: int) -> None:
    status = JobStatus._from_wire(wire, "m")
    for twin in (
        pickle.loads(pickle.dumps(status, protocol)),
        copy.copy(status),
        copy.deepcopy(status),
    ):
        assert twin.state is status.state
        assert twin.message == "m"
    assert copy.copy(status.state) is copy.deepcopy([status.state])[0] is status.state


def test_an_unknown_state_reaches_another_process() -> None:
    status = JobStatus._from_wire("JOB_STATE_DREAMING")
    code = (
        "import pickle, sys; s = pickle.loads(sys.stdin.buffer.read());"
        "print(s.code, s.state.value, s.running, s == 'DREAMING')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(status),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert run.stdout.split() == [b"DREAMING", b"JOB_STATE_DREAMING", b"True", b"True"]


def test_an_unknown_state_is_warned_about_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "qai_hub"), ThreadPoolExecutor(8) as pool:
        made = list(pool.map(JobStatus._from_wire, ["JOB_STATE_SINGING"] * 64))
    assert len({id(status.state) for status in made}) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "JOB_STATE_SINGING" in caplog.text
    with caplog.at_level(logging.WARNING, "qai_hub"):
        caplog.clear()
        JobStatus._from_wire("JOB_STATE_DONE")
    assert not caplog.records


def test_only_the_wire_makes_new_members() -> None:
    JobStatus._from_wire(124)
    for wrong in (124, "SUCESS"):
        with pytest.raises(ValueError, match="not a valid"):
            State(wrong)
    with pytest.raises(KeyError):
        JobStatus.State["SUCESS"]


states = st.sampled_from(list(State)) | st.sampled_from(
    [JobStatus._from_wire(wire).state for wire in ("JOB_STATE_A", "A", "B", 5, "UNKNOWN_5")]
)
codes = states.map(lambda state: state.name) | st.sampled_from(["success", "", "JOB_STATE_DONE"])
things = st.one_of(
    states,
    codes,
    st.builds(JobStatus, states, st.none() | st.sampled_from(["a", "b"])),
    st.sampled_from([None, 10, 30, 1.5, ("SUCCESS",), b"SUCCESS"]),
)


@given(st.tuples(things, things, things))
def test_equality_is_an_equivalence_and_agrees_with_hashes(three: tuple[Any, Any, Any]) -> None:
    for a, b, c in itertools.permutations(three):
        assert a == a  # noqa: PLR0124
        assert (a == b) is (b == a)
        assert (a != b) is not (a == b)
        if a == b:
            assert hash(a) == hash(b)
            if b == c:
                assert a == c


@pytest.mark.parametrize("other", [None, 10, 1.0, object(), ["SUCCESS"]])
def test_other_things_are_not_equal(other: object) -> None:
    assert JobStatus(State.SUCCESS) != other
    assert other != JobStatus(State.SUCCESS)
    assert other != State.SUCCESS


def test_messages_take_no_part_in_equality() -> None:
    assert JobStatus(State.FAILED, "a") == JobStatus(State.FAILED, "b")
    mapping: dict[object, int] = {JobStatus(State.SUCCESS): 1}
    assert mapping["SUCCESS"] == mapping[State.SUCCESS] == 1
    assert {State.SUCCESS, "SUCCESS", JobStatus(State.SUCCESS)} == {"SUCCESS"}
    assert JobStatus(State.SUCCESS) in {"SUCCESS", "FAILED"}
