"""What jobs, models, datasets and the client itself tell."""

import copy
import functools
import os

import numpy as np

import qai_hub as hub
from qai_hub.client import ClientConfig, Project

DEVICE = hub.Device("Samsung Galaxy S24")
ONNX = "--target_runtime onnx"
SHAPES = {"x": (1, 4)}
DATA = {"x": [np.ones((1, 4), np.float32)]}
COLLEAGUE = "colleague@example.com"


@functools.cache
def _compiled():
    job = hub.submit_compile_job("affine.onnx", DEVICE, "a job", SHAPES, ONNX)
    job.wait()
    return job


@functools.cache
def _run():
    run = hub.submit_inference_job(_compiled().get_target_model(), DEVICE, DATA, "a run")
    run.wait()
    return run


def a_compile_job() -> None:
    job = _compiled()
    print(job.job_type, job.target_shapes, job.get_target_shapes(timeout=60), job.shapes)
    print([device.name for device in job.compatible_devices], job.device == DEVICE)
    print(repr(job) != "", job.job_id in str(job), job.get_status().symbol)
    print(job.hub_version != "", isinstance(job.project_id, str))
    print(job.get_available_artifacts())


def an_inference_job() -> None:
    job = _run()
    print(job.job_type, job.name, job.profiling, job.shapes)
    print(repr(job) != "", job.job_id in str(job))
    print(list(job.get_output_dataset().download()), job.get_output_dataset().name)
    path = job.download_output_data("outputs")
    print(os.path.basename(path), os.path.getsize(path) > 0)


def what_a_job_shares() -> None:
    for job in (_compiled(), _run()):
        job.modify_sharing(add_emails=[COLLEAGUE, "third@example.com"])
        print(sorted(job.get_sharing()))
        job.modify_sharing(delete_emails=["third@example.com"])
        print(job.get_sharing(), type(hub.Client(profile="colleague").get_job(job.job_id)).__name__)
        job.disable_sharing()
        print(job.get_sharing())


def results() -> None:
    for job in (_compiled(), _run()):
        first, second = (job.download_results(f"{job.name} results") for _ in range(2))
        print(type(first).__name__, first.status.code, first.status == second.status)
        print(repr(first) != "", os.path.basename(first.artifacts_dir))
    print(sorted(second.profile) == sorted(job.download_profile()))


def the_page_of_results() -> None:
    print([job.download_results("pages").url == job.url for job in (_compiled(), _run())])


def a_model_of_ones_own() -> None:
    model = hub.upload_model("affine.onnx", "a model")
    print(model.metadata, model.input_spec, model.output_spec)
    print(model.producer, model.get_producer(), model.wait(), model.wait(timeout=1))
    print(
        repr(model) != "", model.model_id in str(model), f"/models/{model.model_id}/" in model.url
    )
    model.disable_sharing()
    print(model.get_sharing())


def a_model_that_a_job_made() -> None:
    model = _compiled().get_target_model()
    print(model.producer.job_id == _compiled().job_id, model.wait(timeout=30))
    again = hub.get_model(model.model_id)
    print(again.name, again.model_type, again.metadata)
    for specs in (again.input_spec, again.output_spec):
        print(type(specs).__name__, specs)
    print(os.path.basename(again.download("by id", timeout=30)))


def a_dataset() -> None:
    dataset = hub.upload_dataset(DATA, "a dataset")
    print(dataset.name, dataset.is_expired(), dataset.get_expiration_status())
    print(repr(dataset) != "", dataset.dataset_id in str(dataset))
    again = hub.get_dataset(dataset.dataset_id)
    print(again.creation_time == dataset.creation_time, again.name)
    print(again.expiration_time == dataset.expiration_time)
    dataset.modify_sharing([COLLEAGUE])
    print(dataset.get_sharing())


def devices_and_frameworks_are_plain_values() -> None:
    device, framework = hub.get_devices("Samsung Galaxy S24")[0], hub.get_frameworks()[0]
    print(device == copy.deepcopy(device), device == DEVICE, repr(DEVICE))
    print(device.name, device.os, device.attributes)
    print(framework == copy.deepcopy(framework), repr(hub.Framework("a", "1", ["t"], "1.0")))
    print(sorted(hub.get_device_attributes()) == hub.get_device_attributes())


def specs_of_tensors() -> None:
    from qai_hub.client import TensorSpec

    spec = TensorSpec("x", "float32", (1, 4), None, None)
    print(spec, spec.name, spec.dtype, spec.shape, spec.scale, spec.zero_point)
    print(spec == copy.deepcopy(spec), repr(spec))


def statuses_compare() -> None:
    success, failed = hub.JobStatus.State.SUCCESS, hub.JobStatus.State.FAILED
    status = hub.JobStatus(failed, "a reason")
    print(status == failed, status == hub.JobStatus(failed, "a reason"), status == success)
    for state in hub.JobStatus.State:
        each = hub.JobStatus(state)
        print(each.code, each.pending, each.running, each.finished, each.success, each.failure)
        print(each.message, each.state.value)
    print([state.name for state in hub.JobStatus.all_running_states()])
    print([hub.JobStatus(state).symbol for state in hub.JobStatus.all_running_states()][1:])
    print(len({hub.JobStatus(success), hub.JobStatus(success)}))


def statuses_of_other_reasons() -> None:
    failed = hub.JobStatus.State.FAILED
    print(hub.JobStatus(failed, "a reason") == hub.JobStatus(failed))


def the_symbol_of_no_state() -> None:
    print(hub.JobStatus(hub.JobStatus.State.UNSPECIFIED).symbol)


def times_to_the_microsecond() -> None:
    things = (_compiled().date, _compiled().model.date, hub.upload_dataset(DATA).creation_time)
    print([time.microsecond > 0 for time in things])


def texts() -> None:
    status = hub.JobStatus(hub.JobStatus.State.FAILED, "a reason")
    print(status, repr(status))


def the_name_of_a_dataset_in_memory() -> None:
    print(hub.upload_dataset(DATA).name)


def what_a_failed_job_gives_for_its_profile() -> None:
    print(hub.submit_profile_job(hub.upload_model("broken.onnx"), DEVICE).download_profile())


def plain_results_compare() -> None:
    status = hub.JobStatus(hub.JobStatus.State.SUCCESS)
    kinds = (
        hub.client.CompileJobResult,
        hub.client.LinkJobResult,
        hub.client.QuantizeJobResult,
        hub.client.InferenceJobResult,
    )
    for kind in kinds:
        result = kind(status, "https://example.com/jobs/j/", "a folder")
        print(kind.__name__, result == kind(status, result.url, "a folder"), result.artifacts_dir)
        print(result == kind(status, None, "a folder"), repr(result) != "")
    profiled = hub.client.ProfileJobResult(status, None, "a folder", profile=None)
    print(profiled.profile, type(profiled).__name__)


def errors() -> None:
    for kind in (hub.Error, hub.UserError, hub.InternalError):
        error = kind("what went wrong")
        print(kind.__name__, isinstance(error, hub.Error), "what went wrong" in str(error))


def a_configuration() -> None:
    config = ClientConfig("a-token", "https://a.example.com", "https://b.example.com")
    print(config.api_token, config.api_url, config.web_url, config.verbose)
    print(config.client_mode, config.default_project)
    print(config == copy.copy(config), config == ClientConfig("another"), repr(config) != "")
    print(hub.Client(config).config == config, hub.Client(config).verbose)


def a_verbose_client() -> None:
    client = hub.Client()
    client.set_verbose(True)
    print(client.verbose)
    client.set_verbose(False)
    print(client.verbose)
    hub.set_verbose(False)


def a_session_token() -> None:
    client = hub.Client()
    client.set_session_token("another-token")
    print(client.config.api_token)


def the_server_of_a_session_token() -> None:
    client = hub.Client()
    client.set_session_token("another-token")
    print(client.config.api_url == hub.Client().config.api_url)


def a_session_token_after_the_first_call() -> None:
    token = hub.Client().config.api_token
    hub.get_frameworks()
    try:
        hub.set_session_token(token)
        print(len(hub.get_models(limit=1)))
    except hub.UserError:
        print("too late")


def everything_by_a_client_of_its_own() -> None:
    with hub.Client() as client:
        client.set_verbose(False)
        model = client.upload_model("affine.onnx", "of a client")
        dataset = client.upload_dataset(DATA)
        print(client.get_model(model.model_id).name, client.get_models(0, 1)[0].name)
        print(client.get_dataset(dataset.dataset_id).name == dataset.name)
        print(len(client.get_datasets(0, 1)), len(client.get_devices("Samsung Galaxy S24")))
        print(len(client.get_device_attributes()), len(client.get_frameworks()))
        job = client.submit_compile_job(model, DEVICE, input_specs=SHAPES, options=ONNX)
        print(type(client.get_job(job.job_id)).__name__, client.get_job_summaries(limit=1)[0].name)


def projects() -> None:
    project_id = _compiled().project_id
    project = Project(hub.Client(), project_id, "mine")
    print(Project.get_project_id(project) == project_id, Project.get_project_id(None))
    model = hub.upload_model("affine.onnx", "in a project", project=project)
    print(hub.get_models(limit=1, project=project)[0].model_id == model.model_id)
    dataset = hub.upload_dataset(DATA, "data in a project", project=project_id)
    job = hub.submit_compile_job(model, DEVICE, "in it", SHAPES, ONNX, project=project)
    run = hub.submit_inference_job(model, DEVICE, dataset, "run in it", project=project_id)
    hub.submit_profile_job(model, DEVICE, "profiled in it", project=project)
    hub.submit_quantize_job(model, dataset, name="quantized in it", project=project)
    hub.submit_link_job("net.dlc", DEVICE, "linked in it", project=project_id)
    print([summary.name for summary in hub.get_job_summaries(limit=5, project=project_id)])
    print(hub.get_job(job.job_id).project_id == project_id, run.wait().code)


def a_default_project() -> None:
    client = hub.Client(default_project_id=_compiled().project_id)
    client.set_verbose(False)
    print(client.upload_model("affine.onnx", "in the default project").name)
