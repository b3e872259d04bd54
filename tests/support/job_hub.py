"""A server of jobs that are in the states that a test says, and a way to read them."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from support.scripted_server import Request, ScriptedServer, Step, json_reply

from qai_hub.client import Client, ClientConfig

DONE, FAILED = "JOB_STATE_DONE", "JOB_STATE_FAILED"
RUNNING = "JOB_STATE_OPTIMIZING_MODEL"


class JobHub:
    """Serves any compile job, without holding answers back.

    Attributes:
        state: State of each job that is asked for.
        override: Decides what is answered in place of a job; None for the job.
    """

    def __init__(self, state: str = DONE) -> None:
        self.state = state
        self.override: Callable[[Request], Step | None] = lambda _: None
        self.server = ScriptedServer(self._answer)
        self._clients: list[Client] = []

    def client(self, *, verbose: bool = False) -> Client:
        client = Client(ClientConfig("token", self.server.url, self.server.url, verbose))
        self._clients.append(client)
        return client

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()
        self.server.__exit__(kind, error, trace)

    def _answer(self, request: Request) -> Step:
        job_id = request.path.rstrip("/").rpartition("/")[2]
        return self.override(request) or json_reply(compile_job(job_id, self.state))


def compile_job(job_id: str, state: str, **more: Any) -> dict[str, Any]:
    details = {
        "compile_job_id": job_id,
        "job_state": state,
        "user_id": 1,
        "name": "net",
        "options": "",
        "creation_time": "2026-01-02T03:04:05Z",
        "failure_reason": "no reason" if state == FAILED else "",
        **more,
    }
    return {
        "compile_job": details,
        "notices": [],
        "failure_type": "JOB_FAILURE_TYPE_UNSPECIFIED",
        "available_artifacts": [],
    }
