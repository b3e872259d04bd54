"""Descriptions of values that violate the contract, short enough for an error message."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

from qai_hub.closest import closest_names
from qai_hub.local.contract.shapes import Json

_MAX_SHOWN = 5
_MAX_VALUE_LENGTH = 80
# A validator returns all errors of a value or the first one; finding all in a large value can take
# minutes.
_MAX_SMALL_VALUES = 500
_Kind = ValidationErrorKind


def describe_errors(validator: Validator, value: Json, subject: str) -> str:
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
        return _describe_error(_first_error(validator, value), subject)
    errors = validator.iter_errors(value)
    lines = [_describe_error(error, subject) for error in islice(errors, _MAX_SHOWN)]
    more = sum(1 for _ in errors)
    if more:
        lines.append(f"and {more} more")
    return "; ".join(dict.fromkeys(lines))


def is_large(value: Json) -> bool:
    """Return whether a value holds so many others that traversing it takes noticeable time."""
    return next(islice(_iter_values(value), _MAX_SMALL_VALUES, None), None) is not None


def _iter_values(value: Json) -> Iterator[bool]:
    """Yield once for each nested value, level by level, as nesting may be too deep to recurse."""
    pending = [value]
    while pending:
        yield True
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(islice(value.values(), _MAX_SMALL_VALUES))
        elif isinstance(value, list):
            pending.extend(islice(value, _MAX_SMALL_VALUES))


def _first_error(validator: Validator, value: Json) -> ValidationError:
    try:
        validator.validate(value)
    except ValidationError as error:
        return error
    raise ValueError("the value is valid")


def _describe_error(error: ValidationError, subject: str) -> str:
    pointer = "".join(f"/{step}" for step in error.instance_path)
    where = f"{subject}: {truncate(pointer, 4 * _MAX_VALUE_LENGTH)}" if pointer else subject
    return f"{where}: {_describe_violation(error)}"


def _describe_violation(error: ValidationError) -> str:  # noqa: C901, PLR0912 - one line for each keyword
    value = format_value(error.instance)
    match error.kind:
        case _Kind.Required(name):
            return f"the field {name!r} is missing"
        case _Kind.AdditionalProperties(names):
            return f"unknown field {_format_names(names)}"
        case _Kind.Type(types):
            return f"{value} is not of type {' or '.join(types)}"
        case _Kind.Enum(options):
            return f"{value} is not one of {_format_options(error.instance, options)}"
        case _Kind.Not():
            return f"{value} is not allowed here"
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
            return truncate(error.message, 4 * _MAX_VALUE_LENGTH)


def format_value(value: Json) -> str:
    """Format a value as JSON, truncated; only the part that is shown is encoded."""
    shown = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(
        _truncate_string(value)
    ):
        shown += piece
        if len(shown) > _MAX_VALUE_LENGTH:
            break
    return truncate(shown, _MAX_VALUE_LENGTH)


def truncate(text: str, limit: int) -> str:
    """Truncate a text that is longer than a limit, and mark the cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _truncate_string(value: Json) -> Json:
    """Truncate a text to the part that can be shown; an encoder would write all of it."""
    return value[: _MAX_VALUE_LENGTH + 1] if isinstance(value, str) else value


def _format_names(names: Iterable[str]) -> str:
    shown = [repr(truncate(name, _MAX_VALUE_LENGTH)) for name in islice(names, _MAX_SHOWN + 1)]
    return ", ".join([*shown[:_MAX_SHOWN], *(["…"] if len(shown) > _MAX_SHOWN else [])])


def _format_options(value: Json, options: list[Json]) -> str:
    listing = truncate(", ".join(map(str, options)), 8 * _MAX_VALUE_LENGTH)
    if not isinstance(value, str) or len(value) > _MAX_VALUE_LENGTH:
        return listing
    close = closest_names(value, map(str, options), limit=1)
    return f"{listing} (did you mean {close[0]}?)" if close else listing
