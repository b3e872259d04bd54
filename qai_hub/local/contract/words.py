"""Validation errors in words that a caller can act on."""

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import islice

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator

from qai_hub.local.contract.document import Json

_SHOWN = 5
_VALUE_LIMIT = 80
# A validator gives all errors of a value or the first one; all of a large one can take minutes.
_LARGE = 500
_Kind = ValidationErrorKind


def explain(validator: Validator, value: Json, subject: str) -> str:
    """Describe what is wrong with a value that is not valid.

    Args:
        validator: What has refused it.
        value: The value.
        subject: What it is, such as ``body``.

    Returns:
        One sentence for each of the first errors, each with the JSON pointer of the fault; for a
        large value, one for the first.
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
    """Tell whether a value holds so many others that it takes noticeable time to go through."""
    return next(islice(_values(value), _LARGE, None), None) is not None


def _values(value: Json) -> Iterator[bool]:
    """Yield once for each value within a value, level by level: it may be nested deeply."""
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
    """Write a value as JSON, cut where it gets long, and no more of it than is shown."""
    shown = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(_cut(value)):
        shown += piece
        if len(shown) > _VALUE_LIMIT:
            break
    return shorten(shown, _VALUE_LIMIT)


def shorten(text: str, limit: int) -> str:
    """Cut a text that is longer than a limit, and mark the cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _cut(value: Json) -> Json:
    """Cut a text to what can be shown of it; an encoder writes texts as a whole."""
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
