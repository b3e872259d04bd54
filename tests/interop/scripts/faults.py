"""A bad network, a busy hub, and addresses that expire."""

import os

import numpy as np

import qai_hub as hub

from ._fault_client import client as _client
from ._fault_client import counts as _counts
from ._fault_client import inject as _inject

DEVICE = hub.Device("Samsung Galaxy S24")
DATA = {"x": [np.ones((1, 4), np.float32)]}
SHAPES = {"x": (1, 4)}
SHORTLY = {"Retry-After": "1"}


def _kind(call) -> str:
    try:
        call()
    except hub.UserError:
        return "UserError"
    except hub.InternalError:
        return "InternalError"
    except hub.Error:
        return "Error"
    return "fine"


def reads_ride_out_rate_limits() -> None:
    client = _client()
    _inject(client, "GET .*/devices/", times=2, status=429, headers=SHORTLY)
    print(len(client.get_devices("Samsung Galaxy S24")), _counts(client))


def reads_ride_out_an_outage() -> None:
    client = _client()
    for status in (500, 502, 503, 504):
        _inject(client, "GET .*/frameworks/", times=3, status=status)
        print(status, len(client.get_frameworks()) > 0, _counts(client))


def an_outage_that_goes_on() -> None:
    client = _client()
    _inject(client, "GET .*/models/", times=100, status=503)
    print(_kind(client.get_models))


def a_rate_limit_that_goes_on() -> None:
    client = _client()
    _inject(client, "GET .*/models/", times=100, status=429, headers=SHORTLY)
    print(_kind(client.get_models))


def answers_that_mean_no_are_not_asked_for_again() -> None:
    client = _client()
    for status in (400, 403, 404, 405, 409, 410, 413, 422, 426, 501):
        _inject(client, "GET .*/models/", times=100, status=status, detail="This is why.")
        print(status, _kind(client.get_models), _counts(client))


def the_reason_is_told() -> None:
    client = _client()
    for status in (400, 403, 404, 409, 413, 426):
        _inject(client, "GET .*/models/", times=100, status=status, detail="This is why.")
        try:
            client.get_models()
        except hub.Error as error:
            print(status, "This is why." in str(error))


def a_submission_meets_a_rate_limit() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "POST .*/jobs/", times=2, status=429, headers=SHORTLY)
    print(_kind(lambda: client.submit_compile_job(model, DEVICE)))


def a_submission_to_many_devices_rides_out_rate_limits() -> None:
    client = _client()
    devices = [DEVICE, hub.Device("Samsung Galaxy S23")]
    _inject(client, "POST .*/jobs/", times=9, status=429, headers=SHORTLY)
    jobs = client.submit_profile_job(client.upload_model("affine.onnx"), devices)
    print(len(jobs), _counts(client)["disturbed"])


def a_submission_that_does_not_ride_out_rate_limits() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "POST .*/jobs/", times=100, status=429, headers=SHORTLY)
    print(_kind(lambda: client.submit_profile_job(model, DEVICE, retry=False)))


def an_answer_that_is_lost_submits_one_job() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "POST .*/jobs/", times=2, drop="answer")
    _kind(lambda: client.submit_compile_job(model, DEVICE, name="once", input_specs=SHAPES))
    print([summary.name for summary in client.get_job_summaries(limit=10)].count("once"))


def an_answer_that_is_lost_uploads_one_model() -> None:
    client = _client()
    _inject(client, "POST .*/models/$", times=1, drop="answer")
    _kind(lambda: client.upload_model("affine.onnx", name="one model"))
    print([model.name for model in client.get_models(limit=10)].count("one model"))


def requests_that_are_lost_are_sent_again() -> None:
    client = _client()
    _inject(client, "GET .*/datasets/", times=2, drop="request")
    print(isinstance(client.get_datasets(), list), _counts(client))
    _inject(client, "GET .*/datasets/", times=2, drop="answer")
    print(isinstance(client.get_datasets(), list), _counts(client))


def an_upload_that_breaks_off_is_sent_again() -> None:
    client = _client()
    _inject(client, "^PUT ", times=2, drop="request")
    model = client.upload_model("affine.onnx")
    print(_counts(client))
    model.download("uploaded.onnx")
    print(open("uploaded.onnx", "rb").read() == open("affine.onnx", "rb").read())


def a_dataset_whose_upload_breaks_off_is_sent_again() -> None:
    client = _client()
    _inject(client, "POST .*/form/", times=2, drop="request")
    print(client.upload_dataset(DATA).download()["x"][0].tolist(), _counts(client))


def an_upload_during_an_outage() -> None:
    client = _client()
    _inject(client, "^PUT ", times=2, status=503)
    client.upload_model("affine.onnx")
    print(_counts(client))


def a_download_that_breaks_off_is_finished() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "GET .*/storage/files/", times=2, cut=100)
    model.download("broken_off.onnx")
    print(_counts(client))
    print(open("broken_off.onnx", "rb").read() == open("affine.onnx", "rb").read())


def an_address_that_expires_before_the_upload() -> None:
    client = _client()
    _inject(client, "^PUT ", hours=2)
    print(_kind(lambda: client.upload_model("affine.onnx")))


def an_address_that_expires_before_the_download() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "GET .*/storage/files/", hours=2)
    print(_kind(lambda: model.download("expired.onnx")))
    print(os.path.exists("expired.onnx"))


def an_address_that_expires_during_the_download() -> None:
    client = _client()
    model = client.upload_model("affine.onnx")
    _inject(client, "GET .*/storage/files/", times=2, cut=100, hours=2)
    print(_kind(lambda: model.download("halfway.onnx")))


def a_wait_rides_out_an_outage() -> None:
    client = _client()
    job = client.submit_compile_job("affine.onnx", DEVICE, input_specs=SHAPES)
    _inject(client, "GET .*/jobs/", times=5, status=503)
    print(job.wait().success)


def a_wait_rides_out_a_long_outage() -> None:
    client = _client()
    job = client.submit_compile_job("affine.onnx", DEVICE, input_specs=SHAPES)
    _inject(client, "GET .*/jobs/", times=10, status=502)
    try:
        print(job.wait().success)
    except hub.InternalError:
        print("gave up")


def a_dataset_expires() -> None:
    client = _client()
    dataset = client.get_dataset(client.upload_dataset(DATA).dataset_id)
    print(dataset.get_expiration_status(), dataset.is_expired())
    _inject(client, "GET .*/datasets/", hours=31 * 24)
    client.get_datasets()
    print(_kind(dataset.download))
