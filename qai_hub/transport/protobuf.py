"""The session that convert between the JSON of the generated client and protobuf messages.

The generated client supports only JSON. This session encodes its requests as protobuf messages,
as the official service expects, and attaches the decoded body to each response.
"""

import functools
import json
import logging
from typing import Any

from qai_hub.errors import UserError
from qai_hub.http_library import httpx
from qai_hub.transport.parsing_session import (
    ParsingSession,
    UnreadableError,
    relative_path,
)
from qai_hub.wire import WireError, decode_model, encode
from qai_hub.wire.descriptor import Operation, find_operation

__all__ = ["ProtobufSession", "decode_response", "encode_request"]

PROTOBUF = "application/x-protobuf"

_logger = logging.getLogger("qai_hub.transport")


class ProtobufSession(ParsingSession):
    """A session for a server that uses protobuf, used by a client that uses JSON."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Sends a request as a message, and repeats it if the response cannot be decoded.

        Args:
            request: The request, in JSON.
            options: Further arguments of `httpx.Client.send`.

        Returns:
            The last response. Its extension `value` holds the decoded body, if it could be decoded.

        Raises:
            UserError: If the body cannot be encoded as a message.
            httpx.RequestError: If there was no response.
        """
        operation = find_operation(request.method, relative_path(request, self.base_url))
        if operation is None:
            return super().send(request, **options)
        outgoing = encode_request(request, operation)
        parse = functools.partial(decode_response, operation=operation, requested_url=outgoing.url)
        return self._send_and_parse(outgoing, parse, **options)


def encode_request(request: httpx.Request, operation: Operation) -> httpx.Request:
    """Returns the request in the form that the service expects."""
    # The service responds in this format, even to a request without a body.
    request.headers["Content-Type"] = PROTOBUF
    select = request.url.params.get("select") if request.url.query else None
    if select:
        request.url = request.url.copy_set_param("select", select.capitalize())
    if operation.request is None:
        return request
    try:
        content = encode(operation.request, json.loads(request.content))
    except WireError as error:
        raise UserError(f"The request cannot be encoded as protobuf: {error}.") from error
    headers = request.headers.copy()
    del headers["Content-Length"]
    return httpx.Request(
        request.method,
        request.url,
        headers=headers,
        content=content,
        extensions=request.extensions,
    )


def decode_response(
    response: httpx.Response, operation: Operation, requested_url: httpx.URL
) -> Any:  # noqa: ANN401 - a generated model
    """Decodes a successful response for the generated client."""
    media = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != PROTOBUF or operation.response is None:
        raise UnreadableError
    bare = operation.bare
    try:
        if bare is not None and bare.unless not in requested_url.params:
            answer = decode_model(operation.response, b"")
            setattr(answer, bare.field, decode_model(bare.message, response.content))
            return answer
        return decode_model(operation.response, response.content)
    except WireError as error:
        _logger.warning("A response cannot be decoded: %s", error)
        raise UnreadableError from error
