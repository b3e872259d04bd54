"""A server that answers each path as a test says."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

# What a hub tells of the one device that it has.
DEVICES: dict[str, Any] = {
    "devices": [
        {
            "name": "D",
            "os": "14",
            "attributes": ["framework:onnx", "framework:qnn"],
            "soc_description": "a chip",
        }
    ],
    "total_query_count": 1,
}


@dataclass
class Canned:
    """One answer."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class CannedHub:
    """Answers requests by method and path, or by path alone, and remembers them.

    Args:
        answers: For each `"GET /path/"` its answer, or a list of answers of which the last one
            stays.
    """

    def __init__(self, answers: dict[str, Canned | list[Canned]]) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.targets: list[str] = []
        self.answers = answers
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                key = f"{self.command} {self.path.partition('?')[0]}"
                hub.targets.append(self.path)
                hub.requests.append((key, dict(self.headers.items()), self.rfile.read(length)))
                found = answers.get(key, Canned({"detail": f"no answer to {key}"}, 404))
                if isinstance(found, list):
                    found = found.pop(0) if len(found) > 1 else found[0]
                body = found.encoded()
                self.send_response(found.status)
                headers = {"Content-Type": "application/json", **found.headers}
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer

            def log_message(self, format: str, *args: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
