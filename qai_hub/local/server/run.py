"""Runs the server: its socket, the host names that it accepts, and its thread."""

import asyncio
import ipaddress
import logging
import os
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from qai_hub.local.errors import is_out_of_files
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.connection_limits import ConnectionLimiter
from qai_hub.local.server.connections import Connection
from qai_hub.local.server.log_filter import RateLimitFilter
from qai_hub.local.server.middleware import OuterMiddleware, too_busy

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class ListenError(OSError):
    """The hub cannot listen on its address."""


def listen(host: str, port: int) -> socket.socket:
    """Open a listening socket.

    Args:
        host: Host to listen on.
        port: TCP port; 0 for any free one.

    Returns:
        The socket, bound.

    Raises:
        ListenError: The address is not available.
    """
    try:
        return _bind(host, port)
    except OSError as error:
        raise ListenError(error.errno, error.strerror, f"port {port} of {host}") from error


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio disables Nagle's algorithm only if the protocol is named; otherwise each response
    # takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def server_url(host: str, listener: socket.socket) -> str:
    """Return the URL at which this machine reaches a socket.

    Args:
        host: Host that it listens on.
        listener: The socket, bound.

    Returns:
        The URL, without a trailing slash.
    """
    port = listener.getsockname()[1]
    # The wildcard addresses are not ones to connect to.
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://{_format_host(reachable)}:{port}"


def allowed_hosts(host: str, additional: Collection[str]) -> Collection[str] | None:
    """Return the host names that requests may be addressed to.

    Args:
        host: Host that the hub listens on.
        additional: Additional host names from the configuration.

    Returns:
        The host names in lower case; None for any.
    """
    host, names = host.lower(), [name.lower() for name in additional]
    if _is_loopback(host):
        return [*_LOOPBACK_HOSTS, _format_host(host), *names]
    return names or None


def _format_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_log = logging.getLogger(__name__)
_log.addFilter(RateLimitFilter())
_SHUTDOWN_SECONDS = 5
_SHUTDOWN_POLL_SECONDS = 0.01
_TICK_SECONDS = 1.0


PEER = "peer"
"""The key of a scope for the address that a request comes from: a proxy's, if there is one."""


def _with_peer(app: ASGIApp) -> ASGIApp:
    """Have scopes tell the peer, before uvicorn puts the address that a proxy forwards there."""

    async def with_peer(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        scope[PEER] = client[0] if client else None
        await app(scope, receive, send)

    return with_peer


class ServerThread:
    """Serves an application on a socket until it is stopped.

    Args:
        app: The ASGI application.
        listener: A bound socket; closed at the end.
        on_shutdown: Called on the event loop before the server waits for its last requests to end.
        limits: Limits on its connections.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        on_shutdown: Callable[[], None],
        limits: ServerLimits,
    ) -> None:
        limiter = ConnectionLimiter(limits, OuterMiddleware(too_busy, None))
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", partial(Connection, limiter=limiter)),
            log_config=None,
            lifespan="on",
            ws="none",
            server_header=False,
            h11_max_incomplete_event_size=limits.head_bytes,
            # asyncio accepts this many connections at once before the limits are checked.
            backlog=max(16, limits.refusals),
        )
        config.load()
        config.loaded_app = _with_peer(config.loaded_app)
        self._server = _Server(config, on_shutdown)
        self._listener = listener
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._failure: BaseException | None = None

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._server.server_state.connections)

    def start(self) -> None:
        """Start serving; returns once requests are accepted.

        Raises:
            RuntimeError: The server did not start.
        """
        self._thread.start()
        self._server.startup_ended.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the web server of the hub did not start") from self._failure

    def stop(self) -> None:
        """Stop serving, after a few seconds' grace for the current requests."""
        self._server.request_exit()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - start() raises it
            self._failure = error
        finally:
            self._server.startup_ended.set()


class _Server(uvicorn.Server):
    """A server that signals its start, and ends as soon as nothing is left to wait for.

    uvicorn looks ten times a second whether it is to exit, and whether its connections have ended.
    """

    def __init__(self, config: uvicorn.Config, on_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self.startup_ended = threading.Event()
        self._on_shutdown = on_shutdown
        self._loop: asyncio.AbstractEventLoop | None = None
        self._exit_requested = asyncio.Event()

    def request_exit(self) -> None:
        """Let it exit; called on another thread, after its start."""
        assert self._loop is not None  # noqa: S101 - it has started
        # The loop is closed if the server has ended by itself.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._exit_requested.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start; overridden to signal it."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_handle_loop_error)
        await super().startup(sockets)
        self.startup_ended.set()

    async def main_loop(self) -> None:
        """Wait until it is to exit; overridden to wake for that, and for each second's date."""
        while not self._exit_requested.is_set():
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._exit_requested.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shut down; overridden to end long polls first, and to end at once."""
        self._on_shutdown()
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        # Connections that were accepted last appear in the next iterations of the loop.
        await asyncio.sleep(_SHUTDOWN_POLL_SECONDS)
        state = self.server_state
        for connection in tuple(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_SHUTDOWN_SECONDS):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn signals no end
                    await asyncio.sleep(_SHUTDOWN_POLL_SECONDS)
        for task in tuple(state.tasks):
            task.cancel()
        await self.lifespan.shutdown()
        for connection in tuple(state.connections):
            connection.transport.abort()
        # asyncio closes their sockets in the next iteration of its loop.
        await asyncio.sleep(0)


def _handle_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error on the event loop; asyncio itself retries accepting connections."""
    if is_out_of_files(context.get("exception")):
        _log.warning("too many open files: new connections wait")
    else:
        loop.default_exception_handler(context)
