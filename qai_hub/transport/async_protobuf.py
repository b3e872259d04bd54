"""The asynchronous counterpart of the session that converts between JSON and protobuf."""

import functools
from typing import Any

from qai_hub.http_library import httpx
from qai_hub.transport.async_parsing_session import AsyncParsingSession
from qai_hub.transport.parsing_session import relative_path
from qai_hub.transport.protobuf import decode_response, encode_request
from qai_hub.wire.descriptor import find_operation

__all__ = ["AsyncProtobufSession"]


class AsyncProtobufSession(AsyncParsingSession):
    """An asynchronous `ProtobufSession`."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as `ProtobufSession` does.

        Args:
            request: The request, in JSON.
            options: Further arguments of `httpx.AsyncClient.send`.

        Returns:
            The last response. Its extension `value` holds the decoded body, if it could be decoded.

        Raises:
            UserError: If the body cannot be encoded as a message.
            httpx.TransportError: If there was no response.
        """
        operation = find_operation(request.method, relative_path(request, self.base_url))
        if operation is None:
            return await super().send(request, **options)
        outgoing = encode_request(request, operation)
        parse = functools.partial(decode_response, operation=operation, requested_url=outgoing.url)
        return await self._send_and_parse(outgoing, parse, **options)
