"""A proxy before a hub that injects the faults that a script asks for."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step, json_reply

from qai_hub.local import LocalHub

# How long the hub keeps a request of a client that waits for a job, and a little more.
FORWARD_TIMEOUT = 70
# They are about one connection only (RFC 9110, 7.6.1), or are written anew.
OWN_HEADERS = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class FaultProxy:
    """Forwards requests to a hub, except those that it has to disturb.

    `POST /faults/` says what is to happen to the next requests whose method and path a pattern
    matches: an object with `pattern`, `times`, and one of

    - `status`, with `headers` and `detail`: an answer of its own;
    - `drop`: `request` breaks the connection off before the hub sees it, `answer` afterwards;
    - `cut`: that many bytes of the answer's body, before the connection breaks off;
    - `hours`: the hub's clock moves on before it sees the request.

    `GET /faults/` returns how many requests were disturbed since, and how many matched.

    Args:
        users: Users of the hub.
    """

    def __init__(self, users: list[str]) -> None:
        self._lock = threading.Lock()
        self._clock_offset = timedelta()
        self._fault: dict[str, Any] = {"pattern": "$^", "times": 0}
        self._matched = 0
        self._disturbed = 0
        self.hub = LocalHub(
            users=users, clock=lambda: datetime.now(UTC) + self._clock_offset, cache=False
        )
        self._server = ScriptedServer(self._answer)
        self._http = httpx.Client(timeout=FORWARD_TIMEOUT, headers={"Accept-Encoding": "identity"})

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self.hub.start()
        self._server.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.hub.stop()
        self._server.__exit__(kind, error, trace)
        self._http.close()

    def _answer(self, request: Request) -> Step:
        if request.path == "/faults/":
            return self._configure(request)
        fault = self._choose(request)
        if "hours" in fault:
            self._clock_offset += timedelta(hours=fault["hours"])
        if "status" in fault:
            body = json.dumps({"detail": fault.get("detail", "So it was asked for.")}).encode()
            headers = {"Content-Type": "application/problem+json", **fault.get("headers", {})}
            return Reply(fault["status"], body, headers)
        if fault.get("drop") == "request":
            return Drop()
        reply = self._forward(request, fault.get("cut"))
        return Drop() if fault.get("drop") == "answer" else reply

    def _configure(self, request: Request) -> Reply:
        with self._lock:
            if request.method == "POST":
                self._fault = json.loads(request.body)
                self._matched = self._disturbed = 0
            counts = {"disturbed": self._disturbed, "matched": self._matched}
        return json_reply(counts)

    def _choose(self, request: Request) -> dict[str, Any]:
        """Returns the fault for a request, if any."""
        with self._lock:
            if re.search(self._fault["pattern"], f"{request.method} {request.path}") is None:
                return {}
            self._matched += 1
            if self._disturbed == self._fault["times"]:
                return {}
            self._disturbed += 1
            return self._fault

    def _forward(self, request: Request, cut: int | None) -> Reply:
        # The host stays: signed URLs lead back here.
        headers = {name: v for name, v in request.headers.items() if name not in OWN_HEADERS}
        url = self.hub.url + request.target
        answer = self._http.request(
            request.method, url, headers=headers, content=request.body, follow_redirects=False
        )
        kept = {name: v for name, v in answer.headers.items() if name not in OWN_HEADERS}
        return Reply(answer.status_code, answer.content, kept, cut)
