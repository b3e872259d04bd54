"""How bodies are written on the two wires: JSON, and the official service's protobuf."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterable, Mapping
from typing import NoReturn

from qai_hub.local.contract.document import Body, Json, Operation
from qai_hub.local.contract.words import explain, show
from qai_hub.local.problems import ProblemError

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
# Beyond this many values, reading a body would hold up other requests. A compile job with a
# thousand inputs has a third of them, and so has the end of an upload in ten thousand parts.
MAX_VALUES = 1 << 15
_TOO_DEEP = "body: nested too deeply"
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


async def read_body(
    chunks: AsyncIterable[bytes], headers: Mapping[str, str], limit: int, seconds: float
) -> bytes:
    """Collect a body of bounded size, in bounded time.

    Args:
        chunks: The body as it arrives.
        headers: The headers of the request.
        limit: Most bytes to take.
        seconds: Most time to take.

    Returns:
        The whole body.

    Raises:
        ProblemError: 413 if it is larger, before it is read where its length is announced; 408 if
            it takes longer.
    """
    too_large = ProblemError(413, f"The body has more than {limit} bytes.")
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
            408, f"The body has not come within {seconds:g} seconds: send it again."
        ) from None
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
        ProblemError: 400 if it is not of that type, or does not fit the contract; 413 if it holds
            more values than any such body can need.
    """
    value = _parse_message(raw, body) if media == PROTOBUF else _parse(raw)
    _check_choices(value, body)
    fault = None
    if body.validator is not None:
        try:
            if not body.validator.is_valid(value):
                fault = explain(body.validator, value, "body")
        except ValueError:
            # The validator's own limit, which is lower than that of the decoder.
            fault = _TOO_DEEP
    if fault is not None:
        raise ProblemError(400, fault)
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
    from qai_hub.wire import WireError, read_message, to_json

    try:
        message = read_message(str(body.message), raw)
        body.shape.prune(message)
        return body.shape.trim(to_json(message))
    except (WireError, ValueError) as error:
        raise ProblemError(400, f"body: {error}") from None


def _parse(raw: bytes) -> Json:
    # Each value but the first stands behind one of these. Some may be within texts.
    if sum(map(raw.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ProblemError(413, f"The body holds more than {MAX_VALUES} values.")
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_number,
            object_pairs_hook=_object,
        )
        if _SURROGATE.search(raw):
            # Half a character can be written in JSON, but neither stored nor sent again.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ProblemError(400, "body: not valid UTF-8") from None
    except RecursionError:
        raise ProblemError(400, _TOO_DEEP) from None
    except ValueError as error:
        raise ProblemError(400, f"body: not valid JSON: {error}") from None
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    """Make an object, in which no field may stand twice: which one would count is a guess."""
    made = dict(pairs)
    if len(made) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ProblemError(400, f"body: the field {show(twice)} stands there twice")
    return made


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
