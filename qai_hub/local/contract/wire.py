"""How bodies are written on the two wires: JSON, and the official service's protobuf."""

import json
import re
from collections.abc import AsyncIterable
from typing import NoReturn

from qai_hub.local.contract.document import Body, Json, Operation
from qai_hub.local.contract.words import explain
from qai_hub.local.problems import ProblemError

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
MAX_BODY = 8 << 20
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def read_body(chunks: AsyncIterable[bytes], limit: int = MAX_BODY) -> bytes:
    """Collect a body of bounded size.

    Args:
        chunks: The body as it arrives.
        limit: Most bytes to take.

    Returns:
        The whole body.

    Raises:
        ProblemError: 413 if it is larger.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise ProblemError(413, f"The body has more than {limit} bytes.")
    return bytes(body)


def decode(raw: bytes, body: Body, media: str) -> Json:
    """Decode and validate a request body.

    Args:
        raw: The bytes that were sent.
        body: What the contract says of it.
        media: Media type of the bytes.

    Returns:
        The decoded body.

    Raises:
        ProblemError: 400 if it is not of that type, or does not fit the contract.
    """
    value = _parse_message(raw, body) if media == PROTOBUF else _parse(raw)
    _check_choices(value, body)
    validator = body.validator
    if validator is not None and not validator.is_valid(value):
        raise ProblemError(400, explain(validator.iter_errors(value), "body"))
    return value


def encode(value: Json, operation: Operation, media: str, *, bare: bool) -> bytes:
    """Encode an answer's body.

    Args:
        value: The body.
        operation: The operation that is answered.
        media: Media type to answer with.
        bare: Whether the caller takes the bare form, where there is one.

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
    from qai_hub.wire import WireError
    from qai_hub.wire import decode as decode_message

    try:
        return body.shape.trim(decode_message(str(body.message), raw))
    except WireError as error:
        raise ProblemError(400, f"body: {error}") from None


def _parse(raw: bytes) -> Json:
    try:
        value = json.loads(
            raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_number
        )
        if _SURROGATE.search(raw):
            # Half a character can be written in JSON, but neither stored nor sent again.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ProblemError(400, "body: not valid UTF-8") from None
    except RecursionError:
        raise ProblemError(400, "body: nested too deeply") from None
    except ValueError as error:
        raise ProblemError(400, f"body: not valid JSON: {error}") from None
    return value


def _number(text: str) -> int | float:
    """Read a number with a point or exponent: 2.0 is an integer, as JSON Schema has it."""
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
                400, f"body: exactly one of {', '.join(names)} must be present, not {found}"
            )
