"""Requests to a hub of several processes, any of which may be away."""

import itertools
import secrets
import time
from collections.abc import Sequence
from typing import Any, Self

import httpx
from performance.hub_process import TOKEN
from performance.setup import small_model, upload

_HEADERS = {"Authorization": f"token {TOKEN}", "Accept": "application/json"}
DEVICE = {"name": "Samsung Galaxy S24"}
_PAUSE = 0.05
_GIVE_UP_AFTER = 120.0


class Asker:
    """Asks the processes in turns, and the next one where one does not answer.

    A POST has one idempotency key for all tries, so it is carried out once.

    Args:
        urls: The addresses of the processes.
        first: Which is asked first.
    """

    def __init__(self, urls: Sequence[str], first: int = 0) -> None:
        self._clients = [
            httpx.Client(base_url=url, headers=_HEADERS, timeout=30, trust_env=False)
            for url in urls
        ]
        self._turns = itertools.count(first)
        self.retries = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Returns the answer to a request, once one of the processes has given one."""
        headers = {"Idempotency-Key": secrets.token_hex(16)} if method == "POST" else {}
        give_up = time.monotonic() + _GIVE_UP_AFTER
        while True:
            client = self._clients[next(self._turns) % len(self._clients)]
            try:
                answer = client.request(method, path, json=body, headers=headers)
                if answer.status_code < 500:
                    return answer.raise_for_status().json()
                problem = f"{answer.status_code}: {answer.text}"
            except httpx.TransportError as error:
                problem = repr(error)
            if time.monotonic() > give_up:
                raise TimeoutError(f"{method} {path}: {problem}")
            self.retries += 1
            time.sleep(_PAUSE)

    def submit(self, model_id: str) -> str:
        """Submits a compile job, and returns its id."""
        body = {
            "compile_job": {
                "model": {"model_id": model_id},
                "devices": {"devices": [DEVICE]},
                "options": "--target_runtime onnx",
            }
        }
        return str(self.ask("POST", "/api/v1/jobs/", body)["id"])


def upload_model(url: str) -> str:
    """Uploads a small model, and returns its id."""
    return upload(url, small_model())
