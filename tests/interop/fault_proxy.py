"""What stands before a hub and makes the trouble that a script asks for."""

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
from support.scripted_server import Drop, Reply, Request, ScriptedServer, Step

from qai_hub.local import LocalHub

# How long the hub keeps a request of a client that waits for a job, and a little more.
PATIENCE = 70
# They are about one connection only (RFC 9110, 7.6.1), or are written anew.
OWN_HEADERS = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Front:
    """Passes requests on to a hub of its own, but for those that it is told to spoil.

    `POST /trouble/` says what is to happen to the next requests whose method and path a pattern
    finds: an object with `pattern`, `times`, and one of

    - `status`, with `headers` and `detail`: an answer of its own;
    - `drop`: `request` breaks the connection off before the hub sees it, `answer` afterwards;
    - `cut`: that many bytes of the answer's body, before the connection breaks off;
    - `hours`: the hub's clock moves on before it sees the request.

    `GET /trouble/` tells how many requests were spoilt since, and how many the pattern found.

    Args:
        users: Users of the hub.
    """

    def __init__(self, users: list[str]) -> None:
        self._lock = threading.Lock()
        self._moved = timedelta()
        self._trouble: dict[str, Any] = {"pattern": "$^", "times": 0}
        self._found = 0
        self._spoilt = 0
        self.hub = LocalHub(users=users, clock=lambda: datetime.now(UTC) + self._moved, cache=False)
        self._server = ScriptedServer(self._answer)
        self._http = httpx.Client(timeout=PATIENCE, headers={"Accept-Encoding": "identity"})

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
        if request.path == "/trouble/":
            return self._hear(request)
        trouble = self._choose(request)
        if "hours" in trouble:
            self._moved += timedelta(hours=trouble["hours"])
        if "status" in trouble:
            body = json.dumps({"detail": trouble.get("detail", "So it was asked for.")}).encode()
            headers = {"Content-Type": "application/problem+json", **trouble.get("headers", {})}
            return Reply(trouble["status"], body, headers)
        if trouble.get("drop") == "request":
            return Drop()
        reply = self._pass_on(request, trouble.get("cut"))
        return Drop() if trouble.get("drop") == "answer" else reply

    def _hear(self, request: Request) -> Reply:
        with self._lock:
            if request.method == "POST":
                self._trouble = json.loads(request.body)
                self._found = self._spoilt = 0
            told = {"spoilt": self._spoilt, "found": self._found}
        return Reply(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _choose(self, request: Request) -> dict[str, Any]:
        """The trouble that a request is in, if any."""
        with self._lock:
            if re.search(self._trouble["pattern"], f"{request.method} {request.path}") is None:
                return {}
            self._found += 1
            if self._spoilt == self._trouble["times"]:
                return {}
            self._spoilt += 1
            return self._trouble

    def _pass_on(self, request: Request, cut: int | None) -> Reply:
        # The host stays: signed URLs lead back here.
        headers = {name: v for name, v in request.headers.items() if name not in OWN_HEADERS}
        url = self.hub.url + request.target
        answer = self._http.request(
            request.method, url, headers=headers, content=request.body, follow_redirects=False
        )
        kept = {name: v for name, v in answer.headers.items() if name not in OWN_HEADERS}
        return Reply(answer.status_code, answer.content, kept, cut)
