"""Quantize and link jobs: what is checked before they are sent, and what this hub answers."""

from pathlib import Path

import numpy as np
import pytest
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, Device, LinkJob, Model, QuantizeDtype, QuantizeJob

INT4, INT8, INT16 = QuantizeDtype.INT4, QuantizeDtype.INT8, QuantizeDtype.INT16


@pytest.fixture(scope="module")
def source(client: Client) -> Model:
    return client.upload_model(affine(), "to quantize")


@pytest.fixture(scope="module")
def calibration(client: Client) -> hub.Dataset:
    return client.upload_dataset({"x": [np.ones((1, 4), np.float32)]}, "calibration")


@pytest.fixture(scope="module")
def dlc(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("dlc") / "model.dlc"
    path.write_bytes(b"made by another tool")
    return client.upload_model(path)


def test_quantize_job_is_made_of_what_it_was_given(
    client: Client, source: Model, calibration: hub.Dataset
) -> None:
    options = "--range_scheme min_max"
    job = client.submit_quantize_job(source, calibration, INT4, INT16, options=options)
    assert isinstance(job, QuantizeJob)
    assert (job.weights_dtype, job.activations_dtype) == (INT4, INT16)
    assert job.calibration_dataset is not None
    assert job.calibration_dataset.dataset_id == calibration.dataset_id
    assert (job.name, job.options) == ("to quantize", options)
    assert job.wait(30).success
    assert job.download_target_model()
    assert client.get_job(job.job_id, hub.JobType.QUANTIZE).job_id == job.job_id


def test_a_dataset_can_be_named_by_its_id(
    client: Client, source: Model, calibration: hub.Dataset
) -> None:
    job = client.submit_quantize_job(source, calibration.dataset_id)
    assert job.calibration_dataset is not None
    assert job.calibration_dataset.dataset_id == calibration.dataset_id
    with pytest.raises(hub.UserError, match="dnothing1"):
        client.submit_quantize_job(source, "dnothing1")
    with pytest.raises(FileNotFoundError):
        client.submit_quantize_job(source, "data-that-is-not-there.h5")


@pytest.mark.parametrize(
    ("weights", "activations"),
    [(INT8, INT4), (INT4, INT8), (INT16, INT16), (INT16, INT8), (INT4, INT4)],
)
def test_types_that_do_not_go_together(
    client: Client,
    source: Model,
    calibration: hub.Dataset,
    weights: QuantizeDtype,
    activations: QuantizeDtype,
) -> None:
    with pytest.raises(hub.UserError, match="INT4 with INT16"):
        client.submit_quantize_job(source, calibration, weights, activations)


def test_types_are_no_text(client: Client, source: Model, calibration: hub.Dataset) -> None:
    with pytest.raises(hub.UserError, match="not 'INT8'"):
        client.submit_quantize_job(source, calibration, "INT8")  # type: ignore[arg-type]


def test_only_onnx_models_are_quantized(
    client: Client, dlc: Model, calibration: hub.Dataset
) -> None:
    with pytest.raises(hub.UserError, match="Only ONNX models"):
        client.submit_quantize_job(dlc, calibration)


def test_link_job_is_made_and_fails_on_what_this_hub_did_not_make(
    client: Client, dlc: Model, device: Device
) -> None:
    job = client.submit_link_job(dlc, device)
    assert isinstance(job, LinkJob)
    assert [model.model_id for model in job.models] == [dlc.model_id]
    assert (job.name, job.device.name) == ("model.dlc", device.name)
    status = job.wait(30)
    assert status.failure
    assert status.message is not None
    assert "This hub did not make this DLC" in status.message
    assert job.download_target_model() is None
    several = client.submit_link_job([dlc], [device, Device("Samsung Galaxy S23")])
    assert isinstance(several, list)
    assert [one.device.name for one in several] == [device.name, "Samsung Galaxy S23"]


def test_link_jobs_that_are_refused(
    client: Client, dlc: Model, source: Model, device: Device, tmp_path: Path
) -> None:
    with pytest.raises(hub.UserError, match="at least one"):
        client.submit_link_job([], device)
    with pytest.raises(hub.UserError, match="Only QNN DLC"):
        client.submit_link_job([dlc, source], device)
    with pytest.raises(hub.UserError, match="given twice"):
        client.submit_link_job([dlc, client.get_model(dlc.model_id)], device)
    with pytest.raises(FileNotFoundError):
        client.submit_link_job(str(tmp_path / "nothing.dlc"), device)
