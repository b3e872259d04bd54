"""Who sees what, through the facade."""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import pytest
from support.tiny_models import affine
from support.users import COLLEAGUE, ME

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, InferenceJob, Model


@pytest.fixture(scope="module")
def inference(client: Client, target: Model, device: Device) -> InferenceJob:
    data = client.upload_dataset({"x": [np.ones((2, 4), np.float32)]}, "ones")
    job = client.submit_inference_job(target, device, data, options="--max_profiler_iterations 2")
    assert job.wait(60).success
    return job


def refused(look: Callable[[], object]) -> bool:
    try:
        look()
    except hub.UserError as error:
        assert error.status_code == 404
        return True
    return False


def test_sharing_an_inference_job_opens_all_that_is_behind_it(
    inference: InferenceJob, compiled: CompileJob, target: Model, colleague: Client
) -> None:
    assert inference.inputs is not None
    outputs = inference.get_output_dataset()
    assert outputs is not None
    looks: list[Callable[[], object]] = [
        lambda: colleague.get_job(inference.job_id),
        lambda: colleague.get_job(compiled.job_id),
        lambda: colleague.get_model(target.model_id),
        lambda: colleague.get_model(compiled.model.model_id),
        lambda: colleague.get_dataset(inference.inputs.dataset_id if inference.inputs else ""),
        lambda: colleague.get_dataset(outputs.dataset_id),
    ]
    assert all(refused(look) for look in looks)
    inference.modify_sharing(add_emails=[COLLEAGUE])
    assert inference.get_sharing() == [COLLEAGUE]
    assert not any(refused(look) for look in looks)
    theirs = colleague.get_job(inference.job_id)
    assert isinstance(theirs, InferenceJob)
    assert theirs.wait(0).success
    assert theirs.download_profile() is not None
    downloaded = theirs.download_output_data()
    assert downloaded is not None
    np.testing.assert_allclose(downloaded["y"][0], 3)
    inference.disable_sharing()
    assert inference.get_sharing() == []
    assert all(refused(look) for look in looks)


def test_recipients_may_look_but_not_change(compiled: CompileJob, colleague: Client) -> None:
    compiled.modify_sharing(add_emails=[COLLEAGUE, COLLEAGUE])
    try:
        assert compiled.get_sharing() == [COLLEAGUE]
        theirs = colleague.get_job(compiled.job_id)
        assert theirs.owner == hub.User(ME)
        changes: list[Callable[[], None]] = [
            lambda: theirs.set_name("mine now"),
            lambda: theirs.modify_sharing(add_emails=["else@example.com"]),
            theirs.disable_sharing,
        ]
        for change in changes:
            with pytest.raises(hub.UserError) as caught:
                change()
            assert caught.value.status_code == 403
        assert compiled.get_sharing() == [COLLEAGUE]
    finally:
        compiled.modify_sharing(delete_emails=[COLLEAGUE, "nobody@example.com"])
    assert compiled.get_sharing() == []


def test_models_and_datasets_are_shared_alone(
    inference: InferenceJob, target: Model, colleague: Client
) -> None:
    target.modify_sharing([COLLEAGUE])
    assert colleague.get_model(target.model_id).get_sharing() == [COLLEAGUE]
    assert refused(lambda: colleague.get_job(inference.job_id))
    target.disable_sharing()
    assert refused(lambda: colleague.get_model(target.model_id))
    dataset = inference.inputs
    assert dataset is not None
    dataset.modify_sharing([COLLEAGUE])
    assert list(colleague.get_dataset(dataset.dataset_id).download()) == ["x"]
    dataset.disable_sharing()
    assert refused(lambda: colleague.get_dataset(dataset.dataset_id))


@pytest.mark.parametrize("emails", ["me@example.com", ["no at sign"], ["a@b@c"], [""], [7]])
def test_addresses_that_are_not_addresses(compiled: CompileJob, emails: list[str]) -> None:
    with pytest.raises(hub.UserError):
        compiled.modify_sharing(add_emails=emails)
    with pytest.raises(hub.UserError):
        compiled.modify_sharing(delete_emails=emails)
    assert compiled.get_sharing() == []


def test_a_job_on_a_model_that_was_taken_back_shows_its_id_alone(
    client: Client, colleague: Client, device: Device
) -> None:
    model = client.upload_model(affine(batch="n"), "mine, and secret")
    model.modify_sharing([COLLEAGUE])
    shared = colleague.get_model(model.model_id)
    job = colleague.submit_compile_job(shared, device, "theirs", {"x": (2, 4)})
    assert job.wait(60).success
    model.disable_sharing()
    for wire in ("json", "protobuf"):
        config = dataclasses.replace(colleague.config, wire=wire)
        with hub.Client(config) as theirs:
            found = theirs.get_job(job.job_id)
            assert isinstance(found, CompileJob)
            assert (found.model.model_id, found.model.name) == (model.model_id, "")
            assert found.model.get_producer() is None
            assert found.model.model_type is hub.SourceModelType.UNRECOGNIZED_MODEL_TYPE
            assert list(found.get_target_shapes() or ()) == ["x"]
            for text in (repr(found), repr(found.model), repr(vars(found.model))):
                assert "secret" not in text
                assert ME not in text
            assert refused(functools.partial(found.model.download, "anywhere"))
