"""Request and response bodies: reading, decoding, validating and encoding."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterable, Mapping
from typing import NoReturn

from qai_hub.local.contract.document import Body, Json, Operation
from qai_hub.local.contract.validation_errors import describe_errors, format_value
from qai_hub.local.errors import ProblemError

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
# Reading a body with more values would delay other requests. A compile job with a thousand inputs
# has a third as many, and so has the completion of an upload in ten thousand parts.
MAX_VALUES = 1 << 15
_TOO_DEEP = "body: nested too deeply"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def read_body(
    chunks: AsyncIterable[bytes], headers: Mapping[str, str], limit: int, seconds: float
) -> bytes:
    """Read a body, within limits on size and time.

    Args:
        chunks: The body as it arrives.
        headers: The headers of the request.
        limit: Maximum size in bytes.
        seconds: Maximum time in seconds.

    Returns:
        The whole body.

    Raises:
        ProblemError: 413 if it is larger, before reading it if its length is announced; 408 if it
            takes longer.
    """
    too_large = ProblemError(413, f"The body has more than {limit} bytes: send less at once.")
    announced = headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 20 or int(announced) > limit):
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in chunks:
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise ProblemError(
            408, f"The body did not arrive within {seconds:g} seconds: send it again."
        ) from None
    return bytes(body)


def decode_body(raw: bytes, body: Body, media: str) -> Json:
    """Decode and validate a request body.

    Args:
        raw: The bytes that were received.
        body: Its description in the contract.
        media: Media type of the bytes.

    Returns:
        The decoded body.

    Raises:
        ProblemError: 400 if it is not of that type or violates the contract; 413 if it holds more
            values than any such body can need.
    """
    value = _parse_message(raw, body) if media == PROTOBUF else _parse_json(raw)
    check_body(body, value)
    return value


def check_body(body: Body, value: Json) -> None:
    """Check that a body is as the contract declares it.

    Raises:
        ProblemError: 400 if it is not.
    """
    _check_choices(value, body)
    fault = None
    if body.validator is not None:
        try:
            if not body.validator.is_valid(value):
                fault = describe_errors(body.validator, value, "body")
        except ValueError:
            # The validator's nesting limit, which is lower than the decoder's.
            fault = _TOO_DEEP
    if fault is not None:
        raise ProblemError(400, f"{fault}.")


def encode_body(value: Json, operation: Operation, media: str, *, bare: bool) -> bytes:
    """Encode the body of a response.

    Args:
        value: The body.
        operation: The operation that was called.
        media: Media type of the response.
        bare: Whether the caller accepts the bare form, if there is one.

    Returns:
        The bytes.
    """
    if media == PROTOBUF and operation.message is not None:
        from qai_hub.wire import encode as encode_message

        if bare and operation.bare_message is not None:
            (value,) = value.values()
            return encode_message(operation.bare_message, value)
        return encode_message(operation.message, value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _parse_message(raw: bytes, body: Body) -> Json:
    from qai_hub.wire import WireError, read_message, to_json

    try:
        message = read_message(str(body.message), raw)
        body.shape.prune(message)
        return body.shape.to_json_form(to_json(message))
    except (WireError, ValueError) as error:
        raise ProblemError(400, f"body: {error}.") from None


def _parse_json(raw: bytes) -> Json:
    # Each value but the first follows one of these characters. Some of them may be within strings.
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ProblemError(413, f"The body holds more than {MAX_VALUES} values: send less at once.")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_parse_number,
            object_pairs_hook=_build_object,
        )
        if _SURROGATE.search(raw):
            # JSON allows a lone surrogate, but it can be neither stored nor encoded again.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ProblemError(400, "body: not valid UTF-8.") from None
    except RecursionError:
        raise ProblemError(400, f"{_TOO_DEEP}.") from None
    except ValueError as error:
        raise ProblemError(400, f"body: not valid JSON: {error}.") from None
    return value


def _build_object(pairs: list[tuple[str, Json]]) -> Json:
    """Build an object; duplicate fields are refused, as either could be the one meant."""
    members = dict(pairs)
    if len(members) < len(pairs):
        ((duplicate, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ProblemError(400, f"body: the field {format_value(duplicate)} is given twice.")
    return members


def _parse_number(text: str) -> int | float:
    """Parse a number with a point or exponent: 2.0 is an integer, as in JSON Schema."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check_choices(value: Json, body: Body) -> None:
    if not isinstance(value, dict):
        return
    for names in body.choices.values():
        present = [name for name in names if name in value]
        if len(present) != 1:
            found = " and ".join(present) or "none of them"
            raise ProblemError(
                400, f"body: exactly one of {', '.join(names)} must be present, not {found}."
            )
