"""The web server: uvicorn in a thread of its own, with an event loop of its own."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_STOP_WITHIN = 5


class ServerThread:
    """Serves an application on a socket until it is stopped.

    Args:
        app: The ASGI application.
        listener: A bound socket; closed at the end.
        let_go: Called on the event loop before the server waits for its last requests to end.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, let_go: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app,
            http=_Protocol,
            log_config=None,
            lifespan="on",
            ws="none",
            server_header=False,
            # Longer than clients keep idle connections, so that it is they who close them.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_STOP_WITHIN,
        )
        self._server = _Server(config, let_go)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin to serve; returns once requests are taken.

        Raises:
            RuntimeError: The server did not start.
        """
        self._thread.start()
        self._server.settled.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the web server of the hub did not start") from self._failure

    def stop(self) -> None:
        """Let the requests under way end, for a few seconds, and end."""
        self._server.should_exit = True
        self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - start() raises it
            self._failure = error
        finally:
            self._server.settled.set()


class _Protocol(H11Protocol):
    """HTTP without uvicorn's access log.

    Signed URLs are secrets: the hub writes a log of its own, without queries. uvicorn's own switch
    is of the whole process, and whoever sets up logging after it turns it on again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.access_log = False


class _Server(uvicorn.Server):
    """A server that tells when it has started, and lets long polls go before it waits for them."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._let_go = let_go

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; overridden to tell."""
        await super().startup(sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; overridden to let requests go first."""
        self._let_go()
        await super().shutdown(sockets)
