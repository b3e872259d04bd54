"""A proxy that breaks connections where a test says so."""

from collections.abc import Callable
from typing import TypeAlias

from support.scripted_server import Drop, Forward, Request, ScriptedServer, Step

Rule: TypeAlias = Callable[[Request], bool]


class BreakingProxy(ScriptedServer):
    """Forwards HTTP to a server on loopback, one exchange a connection.

    Args:
        port: Port of the server.
        drop_answer: For requests whose answer is read from the server and then thrown away, and the
            connection with it: the server has done its work, and the client does not know.
        drop_request: For requests that are read and thrown away before the server sees them.
    """

    def __init__(
        self, port: int, *, drop_answer: Rule | None = None, drop_request: Rule | None = None
    ) -> None:
        super().__init__(self._break_or_forward)
        self._server_port = port
        self._drop_answer = drop_answer or (lambda _: False)
        self._drop_request = drop_request or (lambda _: False)

    def _break_or_forward(self, request: Request) -> Step:
        if self._drop_request(request):
            return Drop()
        if self._drop_answer(request):
            return Forward(self._server_port, lambda _: Drop(), keep_host=False)
        return Forward(self._server_port, keep_host=False)
