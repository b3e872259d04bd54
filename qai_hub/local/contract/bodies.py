"""Request and response bodies: reading, decoding, validating, encoding, and error messages."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import NoReturn

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

from qai_hub.local.contract.document import Body, Json, Operation
from qai_hub.local.errors import ProblemError

_SHOWN = 5
_VALUE_LIMIT = 80
# A validator returns all errors of a value or the first one; finding all in a large value can take
# minutes.
_LARGE = 500
_Kind = ValidationErrorKind


def explain(validator: Validator, value: Json, subject: str) -> str:
    """Describe why a value is not valid.

    Args:
        validator: The validator that rejected it.
        value: The value.
        subject: The name of the value in the message, such as ``body``.

    Returns:
        One sentence for each of the first errors, with its JSON pointer; for a large value, the
        first error only.
    """
    if is_large(value):
        return _sentence(_first_error(validator, value), subject)
    errors = validator.iter_errors(value)
    lines = [_sentence(error, subject) for error in islice(errors, _SHOWN)]
    more = sum(1 for _ in errors)
    if more:
        lines.append(f"and {more} more")
    return "; ".join(dict.fromkeys(lines))


def is_large(value: Json) -> bool:
    """Return whether a value holds so many others that traversing it takes noticeable time."""
    return next(islice(_values(value), _LARGE, None), None) is not None


def _values(value: Json) -> Iterator[bool]:
    """Yield once for each nested value, level by level, as nesting may be too deep to recurse."""
    waiting = [value]
    while waiting:
        yield True
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(islice(value.values(), _LARGE))
        elif isinstance(value, list):
            waiting.extend(islice(value, _LARGE))


def _first_error(validator: Validator, value: Json) -> ValidationError:
    try:
        validator.validate(value)
    except ValidationError as error:
        return error
    raise ValueError("the value is valid")


def _sentence(error: ValidationError, subject: str) -> str:
    pointer = "".join(f"/{step}" for step in error.instance_path)
    where = f"{subject}: {shorten(pointer, 4 * _VALUE_LIMIT)}" if pointer else subject
    return f"{where}: {_fault(error)}"


def _fault(error: ValidationError) -> str:  # noqa: C901, PLR0912 - one line for each keyword
    value = show(error.instance)
    match error.kind:
        case _Kind.Required(name):
            return f"the field {name!r} is missing"
        case _Kind.AdditionalProperties(names):
            return f"there is no field {_listed(names)} here"
        case _Kind.Type(types):
            return f"{value} is not of type {' or '.join(types)}"
        case _Kind.Enum(options):
            return f"{value} is none of {_options(error.instance, options)}"
        case _Kind.Not():
            return f"{value} cannot stand here"
        case _Kind.Pattern(pattern):
            return f"{value} does not match the pattern {pattern}"
        case _Kind.MinLength(limit):
            return f"{value} is shorter than {limit} characters"
        case _Kind.MaxLength(limit):
            return f"{value} is longer than {limit} characters"
        case _Kind.MinItems(limit):
            return f"has fewer than {limit} items"
        case _Kind.MaxItems(limit):
            return f"has more than {limit} items"
        case _Kind.MinProperties(limit):
            return f"has fewer than {limit} fields"
        case _Kind.MaxProperties(limit):
            return f"has more than {limit} fields"
        case _Kind.Minimum(limit):
            return f"{value} is less than {limit}"
        case _Kind.Maximum(limit):
            return f"{value} is more than {limit}"
        case _Kind.Format(name):
            return f"{value} is not a {name}"
        case _:
            return shorten(error.message, 4 * _VALUE_LIMIT)


def show(value: Json) -> str:
    """Format a value as JSON, truncated; only the part that is shown is encoded."""
    shown = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(_cut(value)):
        shown += piece
        if len(shown) > _VALUE_LIMIT:
            break
    return shorten(shown, _VALUE_LIMIT)


def shorten(text: str, limit: int) -> str:
    """Truncate a text that is longer than a limit, and mark the cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _cut(value: Json) -> Json:
    """Truncate a text to the part that can be shown; an encoder would write all of it."""
    return value[: _VALUE_LIMIT + 1] if isinstance(value, str) else value


def _listed(names: Iterable[str]) -> str:
    shown = [repr(shorten(name, _VALUE_LIMIT)) for name in islice(names, _SHOWN + 1)]
    return ", ".join([*shown[:_SHOWN], *(["…"] if len(shown) > _SHOWN else [])])


def _options(value: Json, options: list[Json]) -> str:
    listing = shorten(", ".join(map(str, options)), 8 * _VALUE_LIMIT)
    if not isinstance(value, str) or len(value) > _VALUE_LIMIT:
        return listing
    close = get_close_matches(value, [str(option) for option in options], n=1)
    return f"{listing} (did you mean {close[0]}?)" if close else listing


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
        raw: The bytes that were received.
        body: Its description in the contract.
        media: Media type of the bytes.

    Returns:
        The decoded body.

    Raises:
        ProblemError: 400 if it is not of that type or violates the contract; 413 if it holds more
            values than any such body can need.
    """
    value = _parse_message(raw, body) if media == PROTOBUF else _parse(raw)
    _check_choices(value, body)
    fault = None
    if body.validator is not None:
        try:
            if not body.validator.is_valid(value):
                fault = explain(body.validator, value, "body")
        except ValueError:
            # The validator's nesting limit, which is lower than the decoder's.
            fault = _TOO_DEEP
    if fault is not None:
        raise ProblemError(400, fault)
    return value


def encode(value: Json, operation: Operation, media: str, *, bare: bool) -> bytes:
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
        return body.shape.trim(to_json(message))
    except (WireError, ValueError) as error:
        raise ProblemError(400, f"body: {error}") from None


def _parse(raw: bytes) -> Json:
    # Each value but the first follows one of these characters. Some of them may be within strings.
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
            # JSON allows a lone surrogate, but it can be neither stored nor encoded again.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise ProblemError(400, "body: not valid UTF-8") from None
    except RecursionError:
        raise ProblemError(400, _TOO_DEEP) from None
    except ValueError as error:
        raise ProblemError(400, f"body: not valid JSON: {error}") from None
    return value


def _object(pairs: list[tuple[str, Json]]) -> Json:
    """Build an object; duplicate fields are refused, as either could be the one meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ProblemError(400, f"body: the field {show(twice)} stands there twice")
    return made


def _number(text: str) -> int | float:
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
                400, f"body: exactly one of {', '.join(names)} must be present, not {found}"
            )
