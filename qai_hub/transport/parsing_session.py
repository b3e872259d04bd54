"""API sessions that parse the responses, and retry those that cannot be parsed.

Something on the way may respond in place of the server: with the login page of a network, with a
truncated body or with nothing. Such a success is treated as a temporary fault, like status 503.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from qai_hub.http_library import httpx
from qai_hub.transport.retry import UNUSABLE_RESPONSE_ATTEMPTS, RetryBudget
from qai_hub.transport.session import Session

if TYPE_CHECKING:
    from qai_hub.transport.async_session import AsyncSession

__all__ = [
    "JsonSession",
    "ParseAttempts",
    "Parser",
    "ParsingSession",
    "UnreadableError",
    "read_json",
    "relative_path",
]

# In bytes. The profile of a large model is a few megabytes.
_MAX_SIZE = 128 << 20

# The response extension where the generated client finds the parsed body.
_VALUE = "value"

# Parses a successful response to JSON or to its model; raises `UnreadableError` if it cannot.
Parser: TypeAlias = Callable[[httpx.Response], Any]

_logger = logging.getLogger("qai_hub.transport")


class UnreadableError(Exception):
    """A response is not of the requested kind."""


class ParseAttempts:
    """Attempts to get a response that can be parsed, where repeating the request is safe."""

    def __init__(self, session: Session | AsyncSession, request: httpx.Request) -> None:
        self._rules = session.rules
        self._base = session.base_url
        self._request = request
        self._started = self._rules.clock()
        self._retries: RetryBudget | None = None

    def accept(self, response: httpx.Response, parse: Parser) -> bool:
        """Parses a response.

        Returns:
            Whether the response is final: it is an error, it is empty, or it was parsed.
        """
        if not response.is_success or response.status_code == httpx.codes.NO_CONTENT:
            return True
        try:
            response.extensions[_VALUE] = parse(response)
        except UnreadableError:
            return False
        return True

    def next_pause(self) -> float | None:
        """Decides what to do after a response that cannot be parsed.

        Returns:
            Seconds to wait before the next attempt; None to give up.
        """
        from qai_hub.wire.descriptor import find_operation

        request = self._request
        is_known = find_operation(request.method, relative_path(request, self._base)) is not None
        can_resend = is_known and self._rules.can_resend(request)
        if self._retries is None:
            self._retries = self._rules.retry_budget(
                max_attempts=UNUSABLE_RESPONSE_ATTEMPTS, started_at=self._started
            )
        pause = self._rules.next_pause(self._retries) if can_resend else None
        if pause is not None:
            _logger.debug("The response cannot be parsed: retrying in %.1f s", pause)
        return pause


class ParsingSession(Session):
    """A session that repeats a request, if that is safe, when its response cannot be parsed."""

    def _send_and_parse(
        self,
        request: httpx.Request,
        parse: Parser,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        attempts = ParseAttempts(self, request)
        while True:
            try:
                response = super().send(request, **options)
            except httpx.DecodingError:
                pause = attempts.next_pause()
                if pause is None:
                    raise
            else:
                if attempts.accept(response, parse):
                    return response
                pause = attempts.next_pause()
                if pause is None:
                    return response
            self.sleep(pause)


class JsonSession(ParsingSession):
    """A session for a server that uses JSON."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `Session` does, and repeats it if its response cannot be parsed.

        Args:
            request: The request.
            options: Further arguments of `httpx.Client.send`.

        Returns:
            The last response. Its extension `value` holds the parsed body, if it could be parsed.

        Raises:
            httpx.RequestError: If there was no response.
        """
        return self._send_and_parse(request, read_json, **options)


def relative_path(request: httpx.Request, base: httpx.URL) -> str:
    """Returns the path of a request relative to the base URL of the API."""
    path = request.url.raw_path.partition(b"?")[0].decode("ascii")
    return path.removeprefix(base.raw_path.decode("ascii").rstrip("/"))


def read_json(response: httpx.Response) -> dict[str, Any]:
    """Parses JSON; raises `UnreadableError` for anything but an object."""
    content = response.content
    if len(content) > _MAX_SIZE:
        raise UnreadableError
    try:
        value = json.loads(content.decode(json.detect_encoding(content), "replace"))
        # One byte is found sixty times as fast as several.
        if b"\\" in content and (b"\\ud" in content or b"\\uD" in content):
            value = _without_surrogates(value)
    except (RecursionError, ValueError):
        raise UnreadableError from None
    if type(value) is not dict:
        raise UnreadableError
    return value


def _without_surrogates(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Replaces lone surrogates, which cannot be written to a file or a terminal."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value
