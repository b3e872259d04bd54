"""Sessions of the API that read its answers.

Something on the way may answer in a server's place: a page of a network's log-in, half of a body,
nothing at all. Such a success is a fault that may pass, as 503 is.
"""

import json
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx

from qai_hub.transport.async_session import AsyncSession
from qai_hub.transport.retry import SPOILT_TRIES, Retries
from qai_hub.transport.session import Session
from qai_hub.wire.descriptor import find_operation

__all__ = [
    "AsyncJsonSession",
    "AsyncReadingSession",
    "JsonSession",
    "ReadingSession",
    "UnreadableError",
    "path_of",
]

# The profile of a large model is a few megabytes.
_LARGEST = 128 << 20

# Where the generated client finds what an answer says, as JSON would.
_VALUE = "value"

# Reads a success; raises `UnreadableError` if it cannot be read.
Read: TypeAlias = Callable[[httpx.Response], dict[str, Any]]

_logger = logging.getLogger("qai_hub.transport")


class UnreadableError(Exception):
    """An answer is not what was asked for."""


class _Readings:
    """The attempts at an answer that can be read, where it is safe to ask for it again."""

    def __init__(self, session: Session | AsyncSession, request: httpx.Request) -> None:
        self._rules = session.rules
        self._base = session.base_url
        self._request = request
        self._started = self._rules.clock()
        self._retries: Retries | None = None

    def take(self, response: httpx.Response, read: Read) -> bool:
        """Reads an answer.

        Returns:
            Whether that is done: the answer is an error or empty, or could be read.
        """
        if not response.is_success or response.status_code == httpx.codes.NO_CONTENT:
            return True
        try:
            response.extensions[_VALUE] = read(response)
        except UnreadableError:
            return False
        return True

    def pause(self) -> float | None:
        """Decides after an answer that cannot be read.

        Returns:
            Seconds after which to ask for it again; None to give up.
        """
        request = self._request
        again = find_operation(request.method, path_of(request, self._base)) is not None
        may = again and self._rules.may_send_again(request)
        if self._retries is None:
            self._retries = self._rules.retries(most=SPOILT_TRIES, since=self._started)
        pause = self._rules.pause(self._retries) if may else None
        if pause is not None:
            _logger.debug("The answer cannot be read: again in %.1f s", pause)
        return pause


class ReadingSession(Session):
    """A session that sends again what got an answer that cannot be read, where that is safe."""

    def _send_reading(
        self,
        request: httpx.Request,
        read: Read,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        readings = _Readings(self, request)
        while True:
            try:
                response = super().send(request, **options)
            except httpx.DecodingError:
                pause = readings.pause()
                if pause is None:
                    raise
            else:
                if readings.take(response, read):
                    return response
                pause = readings.pause()
                if pause is None:
                    return response
            self.sleep(pause)


class AsyncReadingSession(AsyncSession):
    """A `ReadingSession` of an event loop."""

    async def _send_reading(
        self,
        request: httpx.Request,
        read: Read,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        readings = _Readings(self, request)
        while True:
            try:
                response = await super().send(request, **options)
            except httpx.DecodingError:
                pause = readings.pause()
                if pause is None:
                    raise
            else:
                if readings.take(response, read):
                    return response
                pause = readings.pause()
                if pause is None:
                    return response
            await self.sleep(pause)


class JsonSession(ReadingSession):
    """A session of a server that speaks JSON."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `Session` does, again if its answer cannot be read.

        Args:
            request: The request.
            options: What `httpx.Client.send` takes.

        Returns:
            The last answer, with what it says in the extension `value` if it could be read.

        Raises:
            httpx.RequestError: If there was none.
        """
        return self._send_reading(request, _read_json, **options)


class AsyncJsonSession(AsyncReadingSession):
    """A session of an event loop, of a server that speaks JSON."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `JsonSession` does.

        Args:
            request: The request.
            options: What `httpx.AsyncClient.send` takes.

        Returns:
            The last answer, with what it says in the extension `value` if it could be read.

        Raises:
            httpx.RequestError: If there was none.
        """
        return await self._send_reading(request, _read_json, **options)


def path_of(request: httpx.Request, base: httpx.URL) -> str:
    """The path of a request, from the address of the API on."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    return path.removeprefix(base.raw_path.decode("ascii").rstrip("/"))


def _read_json(response: httpx.Response) -> dict[str, Any]:
    content = response.content
    if len(content) > _LARGEST:
        raise UnreadableError
    try:
        value = json.loads(content.decode(json.detect_encoding(content), "replace"))
        if b"\\ud" in content or b"\\uD" in content:
            value = _without_surrogates(value)
    except (RecursionError, ValueError):
        raise UnreadableError from None
    if type(value) is not dict:
        raise UnreadableError
    return value


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replaces halves of characters, which no file and no terminal takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
