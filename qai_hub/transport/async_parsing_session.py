"""The asynchronous counterparts of the sessions that parse responses."""

from typing import Any

from qai_hub.http_library import httpx
from qai_hub.transport.async_session import AsyncSession
from qai_hub.transport.parsing_session import ParseAttempts, Parser, read_json

__all__ = ["AsyncJsonSession", "AsyncParsingSession"]


class AsyncParsingSession(AsyncSession):
    """An asynchronous `ParsingSession`."""

    async def _send_and_parse(
        self,
        request: httpx.Request,
        parse: Parser,
        **options: Any,  # noqa: ANN401 - what httpx takes
    ) -> httpx.Response:
        attempts = ParseAttempts(self, request)
        while True:
            try:
                response = await super().send(request, **options)
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
            await self.sleep(pause)


class AsyncJsonSession(AsyncParsingSession):
    """An asynchronous session for a server that uses JSON."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `JsonSession` does.

        Args:
            request: The request.
            options: Further arguments of `httpx.AsyncClient.send`.

        Returns:
            The last response. Its extension `value` holds the parsed body, if it could be parsed.

        Raises:
            httpx.RequestError: If there was no response.
        """
        return await self._send_and_parse(request, read_json, **options)
