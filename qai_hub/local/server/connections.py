"""One HTTP/1.1 connection by uvicorn and h11, with limits on time, size and their number."""

import asyncio
import json
import logging
import secrets
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from qai_hub.local.errors import MEDIA_TYPE, problem_json, reason_phrase
from qai_hub.local.server.connection_limits import ConnectionLimiter, LingeringTransport
from qai_hub.local.server.log_filter import RateLimitFilter

_log = logging.getLogger(__name__)
_log.addFilter(RateLimitFilter())
# A longer body is a file, which may take longer to arrive.
_SHORT_BODY = 1 << 20
# Bytes of a body that may wait for the application.
_MAX_WAITING = 512 << 10
# A client that reads fewer bytes than this in `send_seconds` counts as stalled.
_MIN_PROGRESS = 4096
_HEAD_TOO_LONG = "The request line and headers are too long."
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Connection(H11Protocol):
    """A connection to a client.

    uvicorn's access log is off, since signed URLs are secrets: the hub writes its own log, without
    queries. uvicorn's switch for that log applies to the whole process, and anyone who sets up
    logging later turns it on again.

    Args:
        args: Arguments of uvicorn's protocol.
        limiter: All connections of the server.
        kwargs: Keyword arguments of uvicorn's protocol.
    """

    transport: LingeringTransport

    def __init__(self, *args: Any, limiter: ConnectionLimiter, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.logger = _log
        self._limiter = limiter
        self._limits = limiter.limits
        self.timeout_keep_alive = limiter.limits.idle_seconds  # type: ignore[assignment]
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._unsent = 0
        self._drained = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; overridden to count connections and to set time limits."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        super().connection_made(LingeringTransport(transport, self))
        _enable_keepalive(transport.get_extra_info("socket"))
        if self._limiter.admit(self, self.loop.time()):
            self._set_timer(self._on_head_timeout, self._limits.head_seconds)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; overridden to free the connection's place."""
        for callback in tuple(self._timers):
            self._cancel_timer(callback)
        self._limiter.remove(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Receive bytes; overridden to limit the head, and the data that is discarded."""
        if self.transport.is_lingering:
            self._drained += len(data)
            if self._drained > self._limits.drained_bytes:
                self.transport.abort()
            return
        if not self._pass_body_on(data):
            super().data_received(data)
            self._update_limits()

    def on_response_complete(self) -> None:
        """Go on to the next request; overridden for requests whose body is still arriving."""
        if self.has_unread_body:
            self.transport.close()
        super().on_response_complete()
        self._update_limits()

    def send_400_response(self, msg: str) -> None:
        """Refuse data that is not HTTP; overridden to respond with a problem."""
        error = sys.exception()
        too_long = getattr(error, "error_status_hint", 400) == 431
        self._respond_with_problem(400, _HEAD_TOO_LONG if too_long else msg)

    def pause_writing(self) -> None:
        """Note that a client reads slowly; overridden to check that it reads at all."""
        super().pause_writing()
        self._start_send_timer()

    def resume_writing(self) -> None:
        """Note that the client has read."""
        super().resume_writing()
        self._cancel_timer(self._on_send_timeout)

    def shutdown(self) -> None:
        """Close as the server shuts down; overridden to close lingering connections too."""
        if self.transport.is_lingering:
            self.transport.abort()
        else:
            super().shutdown()

    @property
    def has_unread_body(self) -> bool:
        """Whether a request that was answered already is still being sent."""
        return self.conn.their_state in (h11.SEND_BODY, h11.ERROR)

    def on_linger(self) -> None:
        """Note that the client may still send, and read the response."""
        self._unset_keepalive_if_required()
        self._limiter.mark_incomplete(self, self.loop.time())
        self._set_timer(self.transport.abort, self._limits.drained_seconds)

    def on_close(self) -> None:
        """Note that the connection closes once everything is sent."""
        self._start_send_timer()

    def _pass_body_on(self, data: bytes) -> bool:
        """Pass bytes from the middle of a body straight on to the application.

        On the way through h11 and uvicorn, each byte of an upload would be copied four times.

        Returns:
            Whether h11 has nothing to read in them.
        """
        # Readers of other bodies have no such attribute.
        reader = getattr(self.conn, "_reader", None)
        expected: int = getattr(reader, "_remaining", 0)
        if (
            self.conn.their_state is not h11.SEND_BODY
            or len(data) >= expected
            or self.conn.trailing_data[0]
        ):
            return False
        setattr(reader, "_remaining", expected - len(data))  # noqa: B010 - the type has no such name
        if self.cycle.body:
            self.cycle.body += data
        else:
            # uvicorn makes bytes of it, which are the same object if it is that already.
            self.cycle.body = data  # type: ignore[assignment]
        if len(self.cycle.body) > _MAX_WAITING:
            self.flow.pause_reading()
        self.cycle.message_event.set()
        return True

    def _update_limits(self) -> None:
        """Set the time limit for the client's next step."""
        if self.transport.is_closing():
            self._cancel_timer(self._on_head_timeout)
        elif self.conn.their_state is not h11.IDLE:
            if self.conn.their_state is h11.SEND_BODY and self._is_short_body():
                self._limiter.mark_incomplete(self, self.loop.time())
            else:
                self._limiter.mark_active(self)
            self._cancel_timer(self._on_head_timeout)
        elif self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]:
            self._limiter.mark_idle(self, self.loop.time())
        elif self._on_head_timeout not in self._timers:
            self._limiter.mark_incomplete(self, self.loop.time())
            self._set_timer(self._on_head_timeout, self._limits.head_seconds)

    def _is_short_body(self) -> bool:
        """Return whether a body should arrive quickly; one of unknown length should."""
        length = dict(self.headers or ()).get(b"content-length", b"0")
        return int(length) <= _SHORT_BODY

    def _on_head_timeout(self) -> None:
        if self.conn.trailing_data[0]:
            self._respond_with_problem(
                408, f"No request arrived within {self._limits.head_seconds:g} seconds."
            )
        else:
            self.transport.close()

    def _start_send_timer(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent:
            self._set_timer(self._on_send_timeout, self._limits.send_seconds)

    def _on_send_timeout(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent > self._unsent - min(_MIN_PROGRESS, self._unsent):
            _log.info("closed a connection whose client does not read the response")
            self.transport.abort()
        else:
            self._start_send_timer()

    def _respond_with_problem(self, status: int, detail: str) -> None:
        """Respond to data that never became a request."""
        request_id = f"req-{secrets.token_hex(8)}"
        body = json.dumps(problem_json(status, detail, request_id)).encode()
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", request_id),
            ("Connection", "close"),
        ]
        answer = h11.Response(
            status_code=status, headers=headers, reason=reason_phrase(status).encode()
        )
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _set_timer(self, callback: Callable[[], None], seconds: float) -> None:
        self._cancel_timer(callback)
        self._timers[callback] = self.loop.call_later(seconds, self._run_timer, callback)

    def _cancel_timer(self, callback: Callable[[], None]) -> None:
        timer = self._timers.pop(callback, None)
        if timer is not None:
            timer.cancel()

    def _run_timer(self, callback: Callable[[], None]) -> None:
        del self._timers[callback]
        callback()


def _enable_keepalive(client: socket.socket) -> None:
    """Have the system detect peers that disappeared without closing the connection."""
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                client.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
