"""What ends in an error: each of these scripts does."""

import functools

import numpy as np

import qai_hub as hub

from . import _fault_client

DEVICE = hub.Device("Samsung Galaxy S24")
COLLEAGUE = "colleague@example.com"
DATA = {"x": [np.ones((1, 4), np.float32)]}


@functools.cache
def _shared_job():
    job = hub.submit_compile_job("affine.onnx", DEVICE, input_specs={"x": (1, 4)})
    job.modify_sharing(add_emails=[COLLEAGUE])
    return hub.Client(profile="colleague").get_job(job.job_id)


def compile_for_no_device() -> None:
    hub.submit_compile_job("affine.onnx", [])


def compile_nothing() -> None:
    hub.submit_compile_job(None, DEVICE)


def compile_for_a_device_that_is_not_there() -> None:
    hub.submit_compile_job("affine.onnx", hub.Device("No Such Phone"))


def compile_for_an_attribute_that_is_not_there() -> None:
    hub.submit_compile_job("affine.onnx", hub.Device(attributes="chipset:none-such"))


def compile_in_a_project_that_is_not_there() -> None:
    hub.submit_compile_job("affine.onnx", DEVICE, project="p00000000")


def compile_with_calibration_data_that_is_not_there() -> None:
    hub.submit_compile_job("affine.onnx", DEVICE, calibration_data="absent.h5")


def compile_and_link_with_graph_names_for_some() -> None:
    hub.submit_compile_and_link_jobs(["affine.onnx"] * 2, DEVICE, graph_names=["only_one"])


def compile_and_link_with_specs_for_some() -> None:
    hub.submit_compile_and_link_jobs(["affine.onnx"] * 2, DEVICE, input_specs=[{"x": (1, 4)}])


def link_nothing() -> None:
    hub.submit_link_job([], DEVICE)


def link_what_cannot_be_linked() -> None:
    hub.submit_link_job([hub.upload_model("affine.onnx")], DEVICE)


def inference_on_a_list() -> None:
    model = hub.upload_model("affine.onnx")
    hub.submit_inference_job(model, DEVICE, [np.ones((1, 4), np.float32)])


def inference_without_inputs_or_profile() -> None:
    hub.submit_inference_job(hub.upload_model("affine.onnx"), DEVICE, profile=False)


def quantize_without_data() -> None:
    hub.submit_quantize_job("affine.onnx", None)


def quantize_to_types_that_do_not_go_together() -> None:
    four, sixteen = hub.QuantizeDtype.INT4, hub.QuantizeDtype.INT16
    hub.submit_quantize_job("affine.onnx", DATA, sixteen, four)


def fetch_a_job_of_another_type() -> None:
    hub.get_job(hub.submit_compile_job("affine.onnx", DEVICE).job_id, hub.JobType.INFERENCE)


def a_job_that_is_not_there() -> None:
    hub.get_job("jzzzzzzzz")


def a_model_that_is_not_there() -> None:
    hub.get_model("mzzzzzzzz")


def a_dataset_that_is_not_there() -> None:
    hub.get_dataset("dzzzzzzzz")


def models_of_a_project_that_is_not_there() -> None:
    hub.get_models(project="p00000000")


def summaries_of_a_project_that_is_not_there() -> None:
    hub.get_job_summaries(project=hub.client.Project(hub.Client(), "p00000000", "none"))


def summaries_of_states_that_are_none() -> None:
    hub.get_job_summaries(state="SUCCESS")


def devices_by_a_bad_interval() -> None:
    hub.get_devices(name="Samsung Galaxy S24", os="[14,")


def upload_into_a_project_that_is_not_there() -> None:
    hub.upload_model("affine.onnx", project="p00000000")


def upload_data_into_a_project_that_is_not_there() -> None:
    hub.upload_dataset(DATA, project="p00000000")


def a_path_that_is_not_there() -> None:
    hub.upload_model("absent.onnx")


def a_file_of_no_known_format() -> None:
    hub.upload_model("notes.txt")


def a_dataset_with_uneven_batches() -> None:
    hub.upload_dataset({"x": [np.ones((1, 1), np.float32)], "y": []})


def a_dataset_of_double_precision() -> None:
    hub.upload_dataset({"x": [np.ones((2, 2), np.float64)]})


def a_dataset_file_that_is_not_there() -> None:
    hub.upload_dataset("absent.h5")


def a_dataset_that_has_expired() -> None:
    client = _fault_client.client()
    dataset = client.upload_dataset(DATA)
    _fault_client.inject(client, "GET .*/datasets/", hours=31 * 24)
    client.get_datasets()
    client.submit_inference_job(client.upload_model("affine.onnx"), DEVICE, dataset)


def download_a_dataset_that_has_expired() -> None:
    client = _fault_client.client()
    dataset = client.upload_dataset(DATA)
    _fault_client.inject(client, "GET .*/datasets/", hours=31 * 24)
    client.get_dataset(dataset.dataset_id).download()


def rename_what_belongs_to_somebody_else() -> None:
    _shared_job().set_name("mine now")


def share_what_belongs_to_somebody_else() -> None:
    _shared_job().modify_sharing(add_emails=["third@example.com"])


def stop_sharing_what_belongs_to_somebody_else() -> None:
    _shared_job().disable_sharing()


def share_with_nobody_at_all() -> None:
    hub.upload_model("affine.onnx").modify_sharing(add_emails=["no address"])


def use_what_belongs_to_somebody_else() -> None:
    model = hub.upload_model("affine.onnx")
    hub.Client(profile="colleague").submit_compile_job(model, DEVICE)


def an_empty_name() -> None:
    hub.submit_compile_job("affine.onnx", DEVICE).set_name("")


def a_name_that_is_too_long() -> None:
    hub.submit_compile_job("affine.onnx", DEVICE).set_name("n" * 10_000)


def a_wrong_token() -> None:
    hub.Client(profile="wrong_token").get_devices()


def a_wrong_token_for_an_upload() -> None:
    hub.Client(profile="wrong_token").upload_model("affine.onnx")


def a_token_that_is_withdrawn() -> None:
    client = _fault_client.client()
    job = client.submit_compile_job("affine.onnx", DEVICE)
    _fault_client.inject(client, "GET .*/jobs/", times=100, status=401)
    job.wait()


def a_profile_that_is_not_there() -> None:
    hub.Client(profile="absent")


def a_config_and_a_profile() -> None:
    hub.Client(config=hub.Client().config, profile="colleague")


def a_server_that_is_not_there() -> None:
    config = hub.client.ClientConfig("a-token", "http://127.0.0.1:9", "http://127.0.0.1:9")
    hub.Client(config).get_devices()
