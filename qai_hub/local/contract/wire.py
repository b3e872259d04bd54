"""How bodies are written on the wire. JSON is the only wire so far."""

import json
import re
from collections.abc import AsyncIterable
from typing import NoReturn

from qai_hub.local.contract.document import Body, Json
from qai_hub.local.contract.words import explain
from qai_hub.local.problems import ProblemError

JSON = "application/json"
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


def decode(raw: bytes, body: Body) -> Json:
    """Decode and validate a request body.

    Args:
        raw: The bytes that were sent.
        body: What the contract says of it.

    Returns:
        The decoded body.

    Raises:
        ProblemError: 400 if it is not JSON, or does not fit the contract.
    """
    value = _parse(raw)
    _check_choices(value, body)
    validator = body.validator
    if validator is not None and not validator.is_valid(value):
        raise ProblemError(400, explain(validator.iter_errors(value), "body"))
    return value


def encode(value: Json) -> bytes:
    """Encode an answer's body."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


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
