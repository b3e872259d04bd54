"""The table of job types names what the contract has, and all that the contract has."""

from typing import Any

import pytest

from qai_hub.local.contract import Contract
from qai_hub.local.core import kinds
from qai_hub.local.core.kinds import KINDS, JobKind
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.options import RUNTIMES
from qai_hub.local.engine.worker import work_function

EVERY = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract.load()


def properties(contract: Contract, message: str) -> dict[str, Any]:
    found: dict[str, Any] = contract.document["components"]["schemas"][message]["properties"]
    return found


def schema_of(contract: Contract, parent: str, member: str) -> dict[str, Any]:
    reference: str = properties(contract, parent)[member]["$ref"]
    return properties(contract, reference.rpartition("/")[2])


def test_there_is_a_row_for_each_job_type_of_the_contract(contract: Contract) -> None:
    named = contract.document["components"]["schemas"]["JobTypeName"]["enum"]
    assert KINDS.keys() == set(named)


@EVERY
def test_the_words_of_a_row_are_the_contracts(contract: Contract, kind: JobKind) -> None:
    assert {kind.starting_state, kind.working_state} <= contract.enum_values("JobState").keys()
    assert set(kind.target_formats.values()) <= contract.enum_values("ModelType").keys()
    assert set(kind.fields) <= schema_of(contract, "Job", kind.message).keys()
    result = schema_of(contract, "JobResult", f"{kind.message}_result")
    assert (kind.detail_field or "output_dataset_id") in result
    assert f"{kind.message}_summary" in properties(contract, "JobSummary")


@EVERY
def test_the_worker_can_do_the_work_of_each_row(kind: JobKind) -> None:
    assert callable(work_function(kind.work))


def test_the_format_of_each_runtime_that_a_compile_job_can_make_is_known() -> None:
    assert set(RUNTIMES) <= KINDS["compile"].target_formats.keys()


def test_states_artifacts_and_failure_types_are_the_contracts(contract: Contract) -> None:
    assert (
        contract.enum_values("JobState").keys() >= kinds.UNFINISHED_STATES | kinds.FINISHED_STATES
    )
    artifacts = {kinds.HUB_LOG, *(kind for kind, _ in kinds.ARTIFACTS.values())}
    assert artifacts <= contract.enum_values("JobArtifactType").keys()
    assert set(FailureType) <= contract.enum_values("JobFailureType").keys()
