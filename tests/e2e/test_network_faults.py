"""What a client does when the network or the hub fails it."""

import time
from urllib.parse import urlsplit

import pytest
from support.breaking_proxy import BreakingProxy
from support.scripted_server import Request
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, Device
from qai_hub.local import LocalHub


def client_through(proxy: BreakingProxy, lh: LocalHub) -> Client:
    config = lh.config(ME)
    return Client(ClientConfig(config.api_token, proxy.url, proxy.url))


def port_of(lh: LocalHub) -> int:
    port = urlsplit(lh.url).port
    assert port is not None
    return port


@pytest.mark.parametrize("lost_at", ["drop_answer", "drop_request"])
def test_a_lost_answer_and_a_lost_request_make_one_job(
    lh: LocalHub, client: Client, device: Device, lost_at: str
) -> None:
    """The answer is lost after the server has made the job, the request before it saw it."""
    model = client.upload_model(affine())
    lost: list[Request] = []

    def first_create(request: Request) -> bool:
        if request.route == "POST /api/v1/jobs/" and not lost:
            lost.append(request)
            return True
        return False

    with BreakingProxy(port_of(lh), **{lost_at: first_create}) as proxy:
        breaking = client_through(proxy, lh)
        job = breaking.submit_compile_job(breaking.get_model(model.model_id), device, lost_at)
        creates = [r for r in proxy.requests if r.route == "POST /api/v1/jobs/"]
    assert (len(lost), len(creates)) == (1, 2)
    named = [s.job_id for s in client.get_job_summaries(limit=1000) if s.name == lost_at]
    assert named == [job.job_id]


def test_every_third_connection_breaks_and_nothing_is_lost(
    lh: LocalHub, client: Client, device: Device
) -> None:
    counter = iter(range(10_000))

    with BreakingProxy(port_of(lh), drop_answer=lambda _: next(counter) % 3 == 2) as proxy:
        breaking = client_through(proxy, lh)
        job = breaking.submit_compile_job(affine(), device, "shaky", {"x": (1, 4)})
        assert job.wait(60).success
        assert job.get_target_model() is not None
    assert [s.name for s in client.get_job_summaries(limit=1000)].count("shaky") == 1


def test_wrong_token_tells_what_to_do_and_does_not_show_it(lh: LocalHub) -> None:
    secret = "not-the-right-token"
    wrong = Client(ClientConfig(secret, lh.url, lh.url))
    with pytest.raises(hub.UserError) as caught:
        wrong.get_devices()
    assert caught.value.status_code == 401
    assert "`qai-hub users renew EMAIL`" in str(caught.value)
    assert secret not in str(caught.value) + repr(wrong) + repr(wrong.config)


def test_a_hub_that_is_not_there(device: Device) -> None:
    nowhere = Client(ClientConfig("token", "http://127.0.0.1:9", "http://127.0.0.1:9"))
    with pytest.raises(hub.InternalError, match=r"Could not connect to 127\.0\.0\.1:9"):
        nowhere.get_devices()


def test_a_job_that_the_hub_times_out_comes_back_failed(device: Device) -> None:
    with LocalHub(users=[ME], job_timeout=0.001) as impatient:
        job = impatient.client(ME).submit_compile_job(affine(), device)
        status = job.wait(30)
    assert status.failure
    assert status.message is not None
    assert "timed out" in status.message
    assert job.failure_type == "RUNTIME_TIMEOUT"


def test_wait_ends_with_the_job_by_long_poll(client: Client, device: Device) -> None:
    job = client.submit_compile_job(affine(), device)
    status = job.wait(60)
    seen = time.time()
    assert status.success
    assert job.completed_at is not None
    assert seen - job.completed_at.timestamp() < 2
