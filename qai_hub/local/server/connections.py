"""One connection: HTTP/1.1 by uvicorn and h11, with bounds on time, on size and on their number."""

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

from qai_hub.local.errors import MEDIA_TYPE, problem_json, title
from qai_hub.local.server.crowd import Crowd
from qai_hub.local.server.lingering import LingeringTransport
from qai_hub.local.server.rare_warnings import Seldom

_log = logging.getLogger(__name__)
_log.addFilter(Seldom())
# What is longer is a file, which may take its time.
_SHORT_BODY = 1 << 20
# Less than this in `send_seconds` is no reading.
_PROGRESS = 4096
_HEAD_TOO_LONG = "The request line and headers are too long."
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Connection(H11Protocol):
    """A connection.

    It writes no access log of uvicorn's. Signed URLs are secrets: the hub writes a log of its own,
    without queries. uvicorn's own switch is of the whole process, and whoever sets up logging after
    it turns it on again.

    Args:
        args: uvicorn's.
        crowd: The connections that it is one of.
        kwargs: uvicorn's.
    """

    transport: LingeringTransport

    def __init__(self, *args: Any, crowd: Crowd, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.access_log = False
        self.logger = _log
        self._crowd = crowd
        self._limits = crowd.limits
        self.timeout_keep_alive = crowd.limits.idle_seconds  # type: ignore[assignment]
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._unsent = 0
        self._drained = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; overridden to count connections and to bound them in time."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        super().connection_made(LingeringTransport(transport, self))
        _notice_dead_peers(transport.get_extra_info("socket"))
        if self._crowd.enter(self, self.loop.time()):
            self._set_timer(self._head_is_late, self._limits.head_seconds)
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End; overridden to give its place free."""
        for callback in tuple(self._timers):
            self._unset_timer(callback)
        self._crowd.leave(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Take bytes; overridden for the bounds on a head, and on what is dropped."""
        if self.transport.lingers:
            self._drained += len(data)
            if self._drained > self._limits.drained_bytes:
                self.transport.abort()
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Go on to the next request; overridden where the rest of this one is still to come."""
        if self.owes_body:
            self.transport.close()
        super().on_response_complete()
        self._look()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; overridden to answer a problem."""
        error = sys.exception()
        too_long = getattr(error, "error_status_hint", 400) == 431
        self._refuse(400, _HEAD_TOO_LONG if too_long else msg)

    def pause_writing(self) -> None:
        """Note that a client reads slowly; overridden to see that it reads at all."""
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        """Note that it has read."""
        super().resume_writing()
        self._unset_timer(self._sending_is_late)

    def shutdown(self) -> None:
        """End with the server; overridden for what would end later."""
        if self.transport.lingers:
            self.transport.abort()
        else:
            super().shutdown()

    @property
    def owes_body(self) -> bool:
        """Whether there is more to come of what has been answered."""
        return self.conn.their_state in (h11.SEND_BODY, h11.ERROR)

    def lingers(self) -> None:
        """Note that the other side may still send, and read the answer."""
        self._unset_keepalive_if_required()
        self._crowd.hesitates(self, self.loop.time())
        self._set_timer(self.transport.abort, self._limits.drained_seconds)

    def closes(self) -> None:
        """Note that the connection closes once everything is sent."""
        self._watch_sending()

    def _look(self) -> None:
        """Set the time limit for what the other side is to do next."""
        if self.transport.is_closing():
            self._unset_timer(self._head_is_late)
        elif self.conn.their_state is not h11.IDLE:
            if self.conn.their_state is h11.SEND_BODY and self._is_short():
                self._crowd.hesitates(self, self.loop.time())
            else:
                self._crowd.speaks(self)
            self._unset_timer(self._head_is_late)
        elif self.timeout_keep_alive_task is not None and not self.conn.trailing_data[0]:
            self._crowd.rests(self, self.loop.time())
        elif self._head_is_late not in self._timers:
            self._crowd.hesitates(self, self.loop.time())
            self._set_timer(self._head_is_late, self._limits.head_seconds)

    def _is_short(self) -> bool:
        """Tell whether a body should come at once; one of unknown length should."""
        length = dict(self.headers or ()).get(b"content-length", b"0")
        return int(length) <= _SHORT_BODY

    def _head_is_late(self) -> None:
        if self.conn.trailing_data[0]:
            self._refuse(408, f"No request has come within {self._limits.head_seconds:g} seconds.")
        else:
            self.transport.close()

    def _watch_sending(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        if self._unsent:
            self._set_timer(self._sending_is_late, self._limits.send_seconds)

    def _sending_is_late(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent > self._unsent - min(_PROGRESS, self._unsent):
            _log.info("a client has not read its answer, and is given up")
            self.transport.abort()
        else:
            self._watch_sending()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer what never became a request."""
        request_id = f"req-{secrets.token_hex(8)}"
        body = json.dumps(problem_json(status, detail, request_id)).encode()
        headers = [
            ("Content-Type", MEDIA_TYPE),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", request_id),
            ("Connection", "close"),
        ]
        answer = h11.Response(status_code=status, headers=headers, reason=title(status).encode())
        for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _set_timer(self, callback: Callable[[], None], seconds: float) -> None:
        self._unset_timer(callback)
        self._timers[callback] = self.loop.call_later(seconds, self._fire, callback)

    def _unset_timer(self, callback: Callable[[], None]) -> None:
        timer = self._timers.pop(callback, None)
        if timer is not None:
            timer.cancel()

    def _fire(self, callback: Callable[[], None]) -> None:
        del self._timers[callback]
        callback()


def _notice_dead_peers(connected: socket.socket) -> None:
    """Let the system find out about peers that went away without a word."""
    with suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
