"""What scripts use of the inside of the client and of jobs, against a local hub."""

import importlib
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from support.tiny_models import affine
from support.users import COLLEAGUE

import qai_hub
import qai_hub.hub
from qai_hub import public_rest_api as rest
from qai_hub.client import Client, CompileJob, Dataset, Device, InferenceJob, Model
from qai_hub.local import LocalHub

pb: Any = importlib.import_module("qai_hub.public_api_pb2")


def carried_out(calls: list[str]) -> Any:
    """Stands in for `_api_call`: notes each call, and carries it out."""
    real = Client._api_call

    def wrapper(client: Client, function: Any, *args: Any, **kwargs: Any) -> Any:
        operation = args[0].__module__.rpartition(".")[2] if args else function.__name__
        calls.append(operation)
        return real(client, function, *args, **kwargs)

    return mock.patch.object(Client, "_api_call", autospec=True, side_effect=wrapper)


def test_one_funnel_sees_every_call(client: Client, device: Device, tmp_path: Path) -> None:
    calls: list[str] = []
    x = np.ones((2, 4), np.float32)
    with carried_out(calls):
        job = client.submit_compile_job(affine(batch="n"), device, "funnel", {"x": (2, 4)})
        assert job.wait(60).success
        model = job.get_target_model()
        assert model is not None
        model.download(str(tmp_path / "model"))
        run = client.submit_inference_job(model, device, {"x": [x]})
        assert run.download_output_data() is not None
        run.modify_sharing(add_emails=[COLLEAGUE])
        assert run.get_sharing() == [COLLEAGUE]
        run.disable_sharing()
    assert {"create_model", "start_model_upload", "create_job", "get_job"} <= set(calls)
    assert {"create_dataset", "get_job_result", "get_model_download"} <= set(calls)
    assert {"update_job_sharing", "get_job_sharing", "delete_job_sharing"} <= set(calls)


def test_no_call_goes_around_the_funnel(client: Client) -> None:
    offline = qai_hub.InternalError("offline")
    with mock.patch.object(Client, "_api_call", autospec=True, side_effect=offline):
        for ask in (client.get_devices, client.get_frameworks, client.get_job_summaries):
            with pytest.raises(qai_hub.InternalError, match="offline"):
                ask()


def test_a_job_from_its_message(client: Client, compiled: CompileJob) -> None:
    message: Any = client._api_call(rest.get_job, job_id=compiled.job_id)
    assert isinstance(message, pb.Job)
    job = client._make_job(message)
    assert isinstance(job, CompileJob)
    assert (job.job_id, job.name, job.date) == (compiled.job_id, compiled.name, compiled.date)
    assert job.get_status().success
    assert job._owner is client
    assert job._job_type is qai_hub.JobType.COMPILE
    details = job._extract_job_specific_pb(message)
    assert details.HasField("completion_time")
    assert details.completion_time.seconds >= details.start_time.seconds
    assert details.compile_job_id == compiled.job_id


def test_a_model_from_its_message(client: Client, target: Model) -> None:
    message: Any = client._api_call(rest.get_model, target.model_id)
    model = client._make_model(message, model=b"content")
    assert (model.model_id, model.model_type) == (target.model_id, target.model_type)
    assert model.model == b"content"
    assert client._make_model(message).model is None


def test_a_dataset_from_its_message(client: Client) -> None:
    data = {"x": [np.zeros(1, np.float32)]}
    uploaded = client._upload_dataset(data, "kept", permanent=True)
    message: Any = client._api_call(rest.get_dataset, uploaded.dataset_id)
    dataset = client._make_dataset(message, data)
    assert isinstance(dataset, Dataset)
    assert (dataset.dataset_id, dataset.name) == (uploaded.dataset_id, "kept")
    assert dataset.expiration_time is None
    assert dataset.data is data


def test_an_enum_value_without_a_name_is_no_obstacle(client: Client) -> None:
    message = pb.Job(link_job={"link_job_id": "jabc", "name": "n", "job_state": 77})
    message.link_job.creation_time.FromJsonString("2026-01-02T03:04:05Z")
    message.failure_type = 4242
    message.available_artifacts.extend([5, 99])
    message.notices.add(severity=9, message="later")
    with mock.patch.object(rest, "get_job"):
        job = client._make_job(message)
    assert job.job_id == "jabc"
    assert job.notices[0].message == "later"
    model = pb.Model(model_id="m1", model_type=99)
    assert client._make_model(model).model_type.name == "UNRECOGNIZED_MODEL_TYPE"


def test_messages_do_not_replace_the_classes_of_the_client(client: Client) -> None:
    model, dataset = pb.Model(model_id="m1"), pb.Dataset(dataset_id="d1")
    assert (pb.Model is type(model), pb.Dataset is type(dataset)) == (True, True)
    assert client._make_model(model).model_id == "m1"
    assert client._make_dataset(dataset).dataset_id == "d1"


def test_the_configuration_is_there_after_a_call(lh: LocalHub) -> None:
    client = lh.client()
    client.get_frameworks()
    assert client._config is not None


@pytest.mark.parametrize(
    "name",
    ["Client", "CompileJob", "Dataset", "InferenceJob", "Job", "LinkJob", "Model", "ProfileJob"],
)
def test_every_class_can_be_mocked(name: str) -> None:
    original = getattr(qai_hub, name)
    fake = mock.create_autospec(original)
    assert isinstance(mock.create_autospec(original, instance=True), original)
    if issubclass(original, qai_hub.Job):
        assert fake._extract_job_specific_pb
        fake.wait.return_value = qai_hub.JobStatus(qai_hub.JobStatus.State.SUCCESS)
        assert fake.wait(1).success
        with pytest.raises(AttributeError):
            fake.no_such_member  # noqa: B018


def test_profile_jobs_are_inference_jobs() -> None:
    assert qai_hub.ProfileJob is qai_hub.InferenceJob is InferenceJob
    assert isinstance(mock.create_autospec(qai_hub.InferenceJob, instance=True), qai_hub.ProfileJob)


def test_a_subclass_of_model_passes_eleven_arguments(client: Client, target: Model) -> None:
    class Local(Model):
        def __init__(self, path: str) -> None:
            super().__init__(
                client, "m1", target.date, target.model_type, path, {}, None, False, None, {}, {}
            )

    model = Local("model.onnx")
    assert (model.name, model.input_spec, model.metadata) == ("model.onnx", {}, {})
    assert model.get_producer() is None


def test_a_status_is_made_by_position() -> None:
    state = qai_hub.JobStatus.State.FAILED
    status = qai_hub.JobStatus(state, "timed out")
    assert (status.failure, status.message, status.state.name) == (True, "timed out", "FAILED")


def test_the_default_client_is_read_and_assigned(
    lh: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = lh.client()
    monkeypatch.setattr(qai_hub.hub, "_global_client", mine)
    for name in qai_hub.hub.__all__:
        monkeypatch.setattr(qai_hub, name, getattr(mine, name))
        monkeypatch.setattr(qai_hub.hub, name, getattr(mine, name))
    assert qai_hub.get_devices() == mine.get_devices()
    with mock.patch("qai_hub.hub._global_client.config.api_url", "https://elsewhere.test"):
        assert mine.config.api_url == "https://elsewhere.test"
    assert mine.config.api_url == lh.url
    monkeypatch.setattr(qai_hub.hub, "_global_client", None)


def test_names_of_types_are_in_the_client_module() -> None:
    client = qai_hub.client
    for name in ("DatasetEntries", "InputSpecs", "Project", "SourceModel", "TargetModel"):
        assert hasattr(client, name)
    assert {"SourceModel", "TargetModel"}.isdisjoint(client.__all__)
    assert client.SourceModel | str


def test_an_absent_profile_is_told_at_once() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-profile"):
        Client(profile="no-such-profile")
