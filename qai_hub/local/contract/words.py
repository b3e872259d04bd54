"""Validation errors in words that a caller can act on."""

import json
from collections.abc import Iterable
from difflib import get_close_matches

from jsonschema_rs import ValidationError, ValidationErrorKind

from qai_hub.local.contract.document import Json

_SHOWN = 5
_VALUE_LIMIT = 80
_Kind = ValidationErrorKind


def explain(errors: Iterable[ValidationError], subject: str) -> str:
    """Describe validation errors.

    Args:
        errors: What a validator found.
        subject: What was validated, such as ``body``.

    Returns:
        One sentence for each of the first errors, each with the JSON pointer of the fault.
    """
    found = list(errors)
    lines = [_sentence(error, subject) for error in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    return "; ".join(dict.fromkeys(lines))


def _sentence(error: ValidationError, subject: str) -> str:
    pointer = "".join(f"/{step}" for step in error.instance_path)
    where = f"{subject}: {pointer}" if pointer else subject
    return f"{where}: {_fault(error)}"


def _fault(error: ValidationError) -> str:  # noqa: C901, PLR0912 - one line for each keyword
    value = show(error.instance)
    match error.kind:
        case _Kind.Required(name):
            return f"the field {name!r} is missing"
        case _Kind.AdditionalProperties(names):
            return f"there is no field {', '.join(map(repr, names))} here"
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
    """Write a value as JSON, cut where it gets long."""
    return shorten(json.dumps(value, ensure_ascii=False, default=str), _VALUE_LIMIT)


def shorten(text: str, limit: int) -> str:
    """Cut a text that is longer than a limit, and mark the cut."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def _options(value: Json, options: list[Json]) -> str:
    close = get_close_matches(str(value), [str(option) for option in options], n=1)
    listing = shorten(", ".join(map(str, options)), 8 * _VALUE_LIMIT)
    return f"{listing} (did you mean {close[0]}?)" if close else listing
