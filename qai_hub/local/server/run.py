"""Where a hub listens, and by which names it may be reached."""

import asyncio
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from qai_hub.local.errors import is_out_of_files
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.connections import Connection
from qai_hub.local.server.crowd import Crowd
from qai_hub.local.server.middleware import Edge, too_busy
from qai_hub.local.server.rare_warnings import Seldom

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def listen(host: str, port: int) -> socket.socket:
    """Open a socket.

    Args:
        host: Host to listen on.
        port: Port, or 0 for any that is free.

    Returns:
        The socket, bound.

    Raises:
        OSError: If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """Return the URL by which this machine reaches a socket.

    Args:
        host: Host that it listens on.
        listener: The socket, bound.

    Returns:
        The URL, without a slash at its end.
    """
    port = listener.getsockname()[1]
    # Listening on every address is not an address that one can connect to.
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://{_bracketed(reachable)}:{port}"


def allowed_hosts(host: str, more: Collection[str]) -> Collection[str] | None:
    """Tell which hosts requests may be addressed to.

    Args:
        host: Host that the hub listens on.
        more: Hosts that its user allows.

    Returns:
        The hosts in lower case; None for any.
    """
    host, others = host.lower(), [name.lower() for name in more]
    if _is_loopback(host):
        return [*_LOOPBACK_HOSTS, _bracketed(host), *others]
    return others or None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_log = logging.getLogger(__name__)
_log.addFilter(Seldom())
_STOP_WITHIN = 5


class ServerThread:
    """Serves an application on a socket until it is stopped.

    Args:
        app: The ASGI application.
        listener: A bound socket; closed at the end.
        let_go: Called on the event loop before the server waits for its last requests to end.
        limits: What it bears with.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        let_go: Callable[[], None],
        limits: ServerLimits,
    ) -> None:
        crowd = Crowd(limits, Edge(too_busy, None))
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", partial(Connection, crowd=crowd)),
            log_config=None,
            lifespan="on",
            ws="none",
            server_header=False,
            h11_max_incomplete_event_size=limits.head_bytes,
            # asyncio takes so many connections at once, before anybody can look at them.
            backlog=max(16, limits.refusals),
            timeout_graceful_shutdown=_STOP_WITHIN,
        )
        self._server = _Server(config, let_go)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._failure: BaseException | None = None

    @property
    def connections(self) -> int:
        """Number of connections that are open."""
        return len(self._server.server_state.connections)

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


class _Server(uvicorn.Server):
    """A server that tells when it has started, and lets long polls go before it waits for them."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self.settled = threading.Event()
        self._let_go = let_go

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; overridden to tell."""
        asyncio.get_running_loop().set_exception_handler(_note)
        await super().startup(sockets)
        self.settled.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; overridden to let requests go first."""
        self._let_go()
        await super().shutdown(sockets)
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        # asyncio closes their sockets in its next round.
        await asyncio.sleep(0)


def _note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Write to the log what went wrong on the event loop; asyncio tries to accept again itself."""
    if is_out_of_files(context.get("exception")):
        _log.warning("there are no more files to open: connections wait")
    else:
        loop.default_exception_handler(context)
