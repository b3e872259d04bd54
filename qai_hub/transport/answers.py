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

__all__ = ["AsyncJsonSession", "JsonSession", "Parsed", "ReadingSession", "path_of"]

# The profile of a large model is a few megabytes.
_LARGEST = 128 << 20

# Reads a success: gives `Parsed`, or the answer as it came if it cannot be read.
Read: TypeAlias = Callable[[httpx.Response], httpx.Response]

_logger = logging.getLogger("qai_hub.transport")


class Parsed(httpx.Response):
    """An answer that has been read, with what its body says.

    Args:
        response: The answer.
        value: What its body says, as JSON would.
    """

    def __init__(self, response: httpx.Response, value: dict[str, Any]) -> None:
        self.__dict__.update(response.__dict__)  # all that there is of an answer that has been read
        self._value = value

    def json(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - as httpx declares it
        """What the body says."""
        return self._value


class ReadingSession(Session):
    """A session that sends again what got an answer that cannot be read, where that is safe."""

    def _send_reading(
        self,
        request: httpx.Request,
        read: Read,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        started = self.now()
        retries: Retries | None = None
        while True:
            response: httpx.Response | None = None
            fault: httpx.DecodingError | None = None
            try:
                response = super().send(request, **options)
            except httpx.DecodingError as error:
                fault = error
            else:
                if not response.is_success or response.status_code == httpx.codes.NO_CONTENT:
                    return response
                response = read(response)
                if isinstance(response, Parsed):
                    return response
            again = find_operation(request.method, path_of(request, self.base_url)) is not None
            retries = retries or self.retries(most=SPOILT_TRIES, since=started)
            pause = self.pause(retries) if again and self.may_send_again(request) else None
            if pause is not None:
                _logger.debug("The answer cannot be read: again in %.1f s", pause)
                self.sleep(pause)
            elif fault is not None:
                raise fault
            elif response is not None:
                return response


class JsonSession(ReadingSession):
    """A session of a server that speaks JSON."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `Session` does, again if its answer cannot be read.

        Args:
            request: The request.
            options: What `httpx.Client.send` takes.

        Returns:
            The last answer.

        Raises:
            httpx.RequestError: If there was none.
        """
        return self._send_reading(request, _read_json, **options)


class AsyncJsonSession(AsyncSession):
    """A session of an event loop, of a server that speaks JSON."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request once.

        Args:
            request: The request.
            options: What `httpx.AsyncClient.send` takes.

        Returns:
            The answer.

        Raises:
            httpx.RequestError: If there was none.
        """
        response = await super().send(request, **options)
        return _read_json(response) if response.is_success else response


def path_of(request: httpx.Request, base: httpx.URL) -> str:
    """The path of a request, from the address of the API on."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    return path.removeprefix(base.raw_path.decode("ascii").rstrip("/"))


def _read_json(response: httpx.Response) -> httpx.Response:
    content = response.content
    if len(content) > _LARGEST:
        return response
    try:
        value = json.loads(content.decode(json.detect_encoding(content), "replace"))
        if b"\\ud" in content or b"\\uD" in content:
            value = _without_surrogates(value)
    except (RecursionError, ValueError):
        return response
    return Parsed(response, value) if type(value) is dict else response


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replaces halves of characters, which no file and no terminal takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
