"""`public_rest_api` against a local hub."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any
from unittest import mock

import httpx
import numpy as np
import pytest
from support.users import COLLEAGUE

from qai_hub import UserError
from qai_hub import public_rest_api as rest
from qai_hub.client import Client, CompileJob, Model
from qai_hub.local import LocalHub

pb: Any = importlib.import_module("qai_hub.public_api_pb2")
JOB, MODEL, DATASET = rest.SharedEntityType


def call(client: Client, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return client._api_call(function, *args, **kwargs)


def test_every_name_is_passed_on() -> None:
    from qai_hub.official import rest as home

    assert [name for name in home.__all__ if getattr(rest, name) is not getattr(home, name)] == []
    functions = [
        function
        for _, function in inspect.getmembers(rest, inspect.isfunction)
        if next(iter(inspect.signature(function).parameters)) == "config"
    ]
    assert len(functions) == 19


def test_the_caller_devices_and_frameworks(client: Client) -> None:
    user = call(client, rest.get_auth_user)
    assert isinstance(user, pb.User)
    assert "@" in user.email
    devices = call(client, rest.get_device_list, name="Samsung Galaxy S24", select=True)
    assert [device.name for device in devices.devices] == ["Samsung Galaxy S24"]
    some = call(client, rest.get_device_list, attributes=["vendor:samsung"])
    assert 0 < len(some.devices) < len(call(client, rest.get_device_list).devices)
    frameworks = call(client, rest.get_framework_list).frameworks
    assert isinstance(frameworks[0], pb.Framework)
    assert {framework.name for framework in frameworks} == {
        framework.name for framework in client.get_frameworks()
    }


def test_a_job_and_what_it_made(client: Client, compiled: CompileJob) -> None:
    job = call(client, rest.get_job, job_id=compiled.job_id).compile_job
    assert job.job_state == pb.JOB_STATE_DONE
    assert job.user.email == call(client, rest.get_auth_user).email
    result = call(client, rest.get_job_results, compiled.job_id)
    tools = result.compile_job_result.compile_detail.tool_versions
    assert {tool.name for tool in tools} >= {"ONNX"}


@pytest.mark.parametrize("name", ["PROFILE", "INFERENCE", "COMPILE", "QUANTIZE", "LINK"])
def test_lists_of_each_type_of_job(client: Client, compiled: CompileJob, name: str) -> None:
    number = getattr(pb, f"JOB_TYPE_{name}")
    listed = call(client, rest.get_job_summary_list, job_type=number).job_summaries
    found = [each.compile_job_summary.job_id for each in listed if compiled.job_id in str(each)]
    assert found == ([compiled.job_id] if name == "COMPILE" else [])


def test_a_type_of_job_that_does_not_exist_is_refused(client: Client) -> None:
    with pytest.raises(UserError, match=r"Unknown job type 42: it must be one of .*JOB_TYPE_LINK"):
        call(client, rest.get_job_list, job_type=42)


def test_lists_and_their_filters(client: Client, compiled: CompileJob) -> None:
    done = call(
        client,
        rest.get_job_summary_list,
        states=[pb.JOB_STATE_DONE, pb.JOB_STATE_FAILED],
        job_type=pb.JOB_TYPE_COMPILE,
        limit=100,
    )
    assert compiled.job_id in [s.compile_job_summary.job_id for s in done.job_summaries]
    linked = call(client, rest.get_job_summary_list, job_type=pb.JOB_TYPE_LINK)
    assert compiled.job_id not in [s.compile_job_summary.job_id for s in linked.job_summaries]
    first = call(client, rest.get_job_list, limit=1, offset=0)
    assert len(first.jobs) == 1
    assert first.total_query_count >= 1
    models = call(client, rest.get_model_list, producer_id=compiled.job_id)
    assert [model.producer_id for model in models.models] == [compiled.job_id]
    client.upload_dataset({"x": [np.zeros(1, np.float32)]}, "listed")
    assert call(client, rest.get_dataset_list, limit=1).datasets[0].name == "listed"
    project = call(client, rest.get_auth_user).default_project_id
    within = call(client, rest.get_job_list, project_id=project)
    assert isinstance(within, pb.JobList)
    assert isinstance(call(client, rest.get_model_list, project_id=project), pb.ModelList)
    summaries = call(client, rest.get_job_summary_list, project_id=project)
    assert isinstance(summaries, pb.JobSummaryList)


def test_a_home_made_download(client: Client, compiled: CompileJob, target: Model) -> None:
    answers = [
        rest._get_model_download_response(client.config, target.model_id),
        rest._get_compiled_model_download_details(client.config, compiled.job_id),
    ]
    for answer in answers:
        message: Any = answer
        assert not message.HasField("credentials")
        got = httpx.get(message.url.url, headers={"Range": "bytes=0-3"})
        assert got.status_code == 206
        assert message.url.filename.endswith(".onnx")


def test_where_datasets_and_artifacts_are(client: Client, compiled: CompileJob) -> None:
    dataset = client.upload_dataset({"x": [np.zeros(1, np.float32)]})
    answer: Any = rest._get_dataset_download_response(client.config, dataset.dataset_id)
    assert answer.url.filename.endswith(".h5")
    (kind,) = [
        pb.JobArtifactType.Value(f"JOB_ARTIFACT_TYPE_{kind.name}")
        for kind in compiled.get_available_artifacts()
    ][:1]
    for attempt in (None, 1):
        listed = call(client, rest.download_job_artifacts_info, compiled.job_id, kind, attempt)
        assert listed.artifacts[0].filename


@pytest.mark.parametrize("kind", rest.SharedEntityType)
def test_sharing(
    client: Client, compiled: CompileJob, target: Model, kind: rest.SharedEntityType
) -> None:
    dataset = client.upload_dataset({"x": [np.zeros(1, np.float32)]})
    thing = {JOB: compiled.job_id, MODEL: target.model_id, DATASET: dataset.dataset_id}[kind]
    changed = call(client, rest.modify_sharing, thing, kind, [COLLEAGUE], [])
    assert isinstance(changed, pb.CreateUpdateResponse)
    assert list(call(client, rest.get_sharing, thing, kind).email) == [COLLEAGUE]
    call(client, rest.disable_sharing, thing, kind)
    assert list(call(client, rest.get_sharing, thing, kind).email) == []


def test_a_new_name(client: Client, compiled: CompileJob) -> None:
    old = compiled.name
    assert call(client, rest.set_job_name, compiled.job_id, "renamed").id == compiled.job_id
    assert call(client, rest.get_job, compiled.job_id).compile_job.name == "renamed"
    call(client, rest.set_job_name, compiled.job_id, old)


def test_errors_are_those_of_the_client(client: Client) -> None:
    with pytest.raises(UserError, match="jzzzzzzzz") as caught:
        call(client, rest.get_job, job_id="jzzzzzzzz")
    assert isinstance(caught.value, rest.APIException)
    assert caught.value.status_code == 404


def test_a_patched_name_takes_effect(lh: LocalHub) -> None:
    client = lh.client()
    fake = pb.Job(hub_version="fake")
    with mock.patch("qai_hub.public_rest_api.get_job", return_value=fake) as patched:
        assert client._api_call(rest.get_job, job_id="j1") is fake
    patched.assert_called_once_with(client.config, job_id="j1")
