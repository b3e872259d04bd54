"""A proxy before a hub that sees which parts of uploads are sent, and interferes."""

import re
import threading
from collections import Counter
from collections.abc import Callable

from support.scripted_server import Forward, Raw, Reply, Request, ScriptedServer, Step

from qai_hub.config import ClientConfig
from qai_hub.local import LocalHub

_PART = re.compile(r"/api/v1/storage/uploads/(\w+)/parts/(\d+)/")
Interference = Callable[[int], Step | None]


class UploadProxy:
    """A script that forwards to a hub.

    Args:
        hub: The hub.
        interfere: Returns what to do with a part, by its number; None to forward it.

    Attributes:
        sent: How often each part has come, whole, by upload and number.
        stored: The parts that the hub has acknowledged.
        interfere: As above.
    """

    def __init__(self, hub: LocalHub, interfere: Interference = lambda number: None) -> None:
        self.interfere = interfere
        self.sent: Counter[tuple[str, int]] = Counter()
        self.stored: set[tuple[str, int]] = set()
        self._hub = hub
        self._port = int(hub.url.rpartition(":")[2])
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Step:
        found = _PART.fullmatch(request.path)
        if found is None:
            return Forward(self._port)
        part = (found[1], int(found[2]))
        if len(request.body) != int(request.headers["content-length"]):
            # The client was killed on the way.
            raise OSError
        with self._lock:
            self.sent[part] += 1
        return self.interfere(part[1]) or Forward(
            self._port, lambda answer: self._pass(part, answer)
        )

    def sent_numbers(self) -> list[int]:
        """The numbers of the parts that have come since the last call, in order."""
        with self._lock:
            numbers = sorted(number for _, number in self.sent.elements())
            self.sent.clear()
        return numbers

    def config(self, server: ScriptedServer) -> ClientConfig:
        """Return a client's configuration for the hub behind a proxy."""
        return ClientConfig(self._hub.token(), server.url, server.url, verbose=False)

    def _pass(self, part: tuple[str, int], answer: bytes) -> Step:
        with self._lock:
            if answer.startswith(b"HTTP/1.1 200"):
                self.stored.add(part)
        return Raw(answer)


REFUSED = Reply(400, b"<Error><Code>InvalidRequest</Code><Message>No</Message></Error>")
EXPIRED = Reply(
    403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
)
