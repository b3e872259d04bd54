"""Combined submits where a job has no target model, or the service refuses a later job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.canned import DEVICES, Canned, CannedHub

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
def serving(job: dict[str, Any], *creates: Canned) -> Iterator[tuple[Client, CannedHub]]:
    model = {"model_id": "mabc", "model_type": "MODEL_TYPE_ONNX", "name": "m"}
    answers: dict[str, Canned | list[Canned]] = {
        "GET /api/v1/models/mabc/": Canned(model),
        "GET /api/v1/devices/": Canned(DEVICES),
        "POST /api/v1/jobs/": list(creates),
        "GET /api/v1/jobs/jabc12345/": Canned(job),
    }
    with CannedHub(answers) as server:
        client = Client(ClientConfig("token", server.url, server.url))
        yield client, server
        client.close()


def creates(server: CannedHub) -> int:
    return sum(key == "POST /api/v1/jobs/" for key, _, _ in server.requests)


MADE = Canned(
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
    refused = Canned({"title": "no", "detail": "too many jobs"}, 400)
    with serving(running, MADE, refused) as (client, server):
        model = client.get_model("mabc")
        with pytest.raises(hub.UserError, match="too many jobs") as caught:
            getattr(client, verb)(model, DEVICE)
        assert caught.value.__notes__ == ["Jobs already created, which get_job fetches: jabc12345"]
        assert creates(server) == 2


def test_without_retry_the_link_job_is_not_retried_either() -> None:
    target = {"model_id": "mtarget", "producer_id": "jabc12345", "name": "t"}
    running = compile_job("JOB_STATE_OPTIMIZING_MODEL", target_model=target)
    limited = Canned({"title": "slow down", "detail": "slow down"}, 429)
    with serving(running, MADE, limited) as (client, server):
        model = client.get_model("mabc")
        with pytest.raises(hub.RateLimitedError):
            client.submit_compile_and_link_jobs(model, DEVICE, retry=False)
        assert creates(server) == 2
