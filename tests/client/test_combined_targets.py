"""Combined submits where a job has no target model, or the service refuses a later job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.routed_hub import DEVICES, RoutedHub, Routes
from support.scripted_server import Reply, json_reply

import qai_hub as hub
from qai_hub.client import Client, ClientConfig

DEVICE = hub.Device("D")


def compile_job(state: str, **details: Any) -> dict[str, Any]:
    return {
        "compile_job": {
            "compile_job_id": "jabc12345",
            "user_id": 1,
            "job_state": state,
            "name": "n",
            "options": "",
            "creation_time": "2026-01-02T03:04:05Z",
            **details,
        },
        "notices": [],
        "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
        "available_artifacts": [],
        "hub_version": "0.99.0",
    }


@contextmanager
def serving(job: dict[str, Any], *creates: Reply) -> Iterator[tuple[Client, RoutedHub]]:
    model = {"model_id": "mabc", "model_type": "MODEL_TYPE_ONNX", "name": "m"}
    answers: Routes = {
        "GET /api/v1/models/mabc/": json_reply(model),
        "GET /api/v1/devices/": json_reply(DEVICES),
        "POST /api/v1/jobs/": list(creates),
        "GET /api/v1/jobs/jabc12345/": json_reply(job),
    }
    with RoutedHub(answers) as server:
        client = Client(ClientConfig("token", server.url, server.url))
        yield client, server
        client.close()


def creates(server: RoutedHub) -> int:
    return server.count("POST /api/v1/jobs/")


MADE = json_reply(
    {"id": "jabc12345", "status": "", "creation_time": "2026-01-02T03:04:05Z"},
    201,
)


@pytest.mark.filterwarnings("ignore:submit_compile_and_profile_jobs:DeprecationWarning")
def test_nothing_follows_a_compile_job_without_a_target_model() -> None:
    failed = compile_job("JOB_STATE_FAILED", failure_reason="no")
    with serving(failed, MADE) as (client, server):
        model = client.get_model("mabc")
        compiled, profiled = client.submit_compile_and_profile_jobs(model, DEVICE)
        assert compiled.get_status().failure
        assert profiled is None
        assert client.submit_compile_and_link_jobs(model, DEVICE)[1] is None
        assert client.submit_compile_and_link_jobs(model, DEVICE, embed_in_onnx=True)[1:] == (
            None,
            None,
        )
        assert creates(server) == 3


@pytest.mark.filterwarnings("ignore:submit_compile_and_profile_jobs:DeprecationWarning")
@pytest.mark.parametrize(
    "verb", ["submit_compile_and_profile_jobs", "submit_compile_and_link_jobs"]
)
def test_an_error_tells_which_jobs_were_made(verb: str) -> None:
    target = {"model_id": "mtarget", "producer_id": "jabc12345", "name": "t"}
    running = compile_job("JOB_STATE_OPTIMIZING_MODEL", target_model=target)
    refused = json_reply({"title": "no", "detail": "too many jobs"}, 400)
    with serving(running, MADE, refused) as (client, server):
        model = client.get_model("mabc")
        with pytest.raises(hub.UserError, match="too many jobs") as caught:
            getattr(client, verb)(model, DEVICE)
        assert caught.value.__notes__ == ["Jobs already created, which get_job fetches: jabc12345"]
        assert creates(server) == 2


def test_without_retry_the_link_job_is_not_retried_either() -> None:
    target = {"model_id": "mtarget", "producer_id": "jabc12345", "name": "t"}
    running = compile_job("JOB_STATE_OPTIMIZING_MODEL", target_model=target)
    limited = json_reply({"title": "slow down", "detail": "slow down"}, 429)
    with serving(running, MADE, limited) as (client, server):
        model = client.get_model("mabc")
        with pytest.raises(hub.RateLimitedError):
            client.submit_compile_and_link_jobs(model, DEVICE, retry=False)
        assert creates(server) == 2
