"""The form of lock files: JSON, in which everything is checked before it is used."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from qai_hub.tensors import DTYPES

__all__ = ["FORMAT", "LockFormatError", "parse_lock", "read_document"]

_VERSION = 1

FORMAT: Final[Mapping[str, object]] = {"format": "qai-hub-lock", "version": _VERSION}
"""What each lock file begins with."""

_MAX_JOBS = 10_000
_MAX_ITEMS = 10_000
_MAX_TEXT = 65_536
_MAX_SHOWN = 60
_MAX_INTEGER = 2**63 - 1
_ID = re.compile(r"[a-z][a-z0-9]{0,63}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TYPES = ("compile", "quantize", "link", "inference")
_MAKERS = ("compile", "quantize", "link")
_QUANTIZED = ("INT8", "INT16", "INT4")
_OUTPUTS = ("target_model", "output_data")

Check = Callable[[object, str], object]
"""Checks a value at a place of the document."""


class LockFormatError(ValueError):
    """A file is not a lock; the message says why, without a full stop."""


def read_document(content: bytes) -> object:
    """Reads JSON, in which no name is repeated and each number is one.

    Args:
        content: The content of the file.

    Returns:
        The document.

    Raises:
        LockFormatError: If it is not such JSON.
    """
    try:
        return json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_read_integer,
        )
    except UnicodeDecodeError:
        raise LockFormatError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise LockFormatError(f"it is not JSON: {error}") from None
    except RecursionError:
        raise LockFormatError("it is nested too deeply") from None


def parse_lock(document: object) -> dict[str, Any]:
    """Checks a document, and returns it.

    Args:
        document: What `read_document` returned.

    Returns:
        The document, which has all that it must have and nothing else.

    Raises:
        LockFormatError: If it has a value that no lock has; the message names its place.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT["format"]:
        raise LockFormatError(f'it does not begin with "format": "{FORMAT["format"]}"')
    if "version" not in document:
        raise LockFormatError("it has no version")
    version = document["version"]
    if not isinstance(version, int) or isinstance(version, bool):
        raise LockFormatError(f"its version is {_show(version)}, and must be a whole number")
    if version != _VERSION:
        raise LockFormatError(
            f"its version is {_show(version)}, and this release reads version {_VERSION}: a newer "
            "one may read it"
        )
    checked = _object(
        document,
        "it",
        {"format": _text, "version": _integer, "jobs": _list(_job, _MAX_JOBS, "job")},
        required=("jobs",),
    )
    if not checked["jobs"]:
        raise LockFormatError("it has no jobs")
    earlier: dict[str, str] = {}
    for number, job in enumerate(checked["jobs"], 1):
        for problem in _find_problems(job, earlier):
            raise LockFormatError(f"job {number} {problem}")
        earlier[job["id"]] = job["type"]
    return checked


def _find_problems(job: Mapping[str, Any], earlier: Mapping[str, str]) -> Iterator[str]:
    """Yields what is wrong with a job, given the types of those before it, by identifier."""
    if job["id"] in earlier:
        yield f"has the id of another, {job['id']}"
    for model in job["models"]:
        if "job" in model and earlier.get(model["job"]) not in _MAKERS:
            yield f"takes the model of {model['job']}, which is no earlier job that makes one"
    if not job["models"] or (job["type"] != "link" and len(job["models"]) > 1):
        yield f"has {len(job['models'])} models"
    for name in ("weights_dtype", "activations_dtype", "data"):
        if job["type"] == "quantize" and name not in job:
            yield f"has no {name}"
    if job["type"] != "quantize" and not job.get("devices"):
        yield "has no devices"
    if job["type"] == "inference" and not job.get("profiling") and "data" not in job:
        yield "neither profiles nor has data"


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise LockFormatError(f"it has {_show(repeated)} twice in one object")
    return found


def _refuse_constant(text: str) -> object:
    raise LockFormatError(f"it has {text}, which is no number in JSON")


def _read_integer(text: str) -> int:
    # Python refuses to read longer ones, with a message about a limit of its own.
    if len(text) > len(str(_MAX_INTEGER)) + 1:
        raise LockFormatError(f"it has the number {_show(text)}, which is too large")
    return int(text)


def _show(value: object) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _object(
    value: object, place: str, fields: Mapping[str, Check], required: Iterable[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LockFormatError(f"{place} is {_show(value)}, and must be an object")
    for name in value:
        if name not in fields:
            raise LockFormatError(f"{place} has {_show(name)}, which no lock has")
    for name in required:
        if name not in value:
            raise LockFormatError(f"{place} has no {name}")
    within = "" if place == "it" else f"{place}, "
    return {name: fields[name](each, f"{within}{name}") for name, each in value.items()}


def _mapping(check: Check) -> Check:
    def read(value: object, place: str) -> object:
        if not isinstance(value, dict) or len(value) > _MAX_ITEMS:
            raise LockFormatError(f"{place} must be an object of at most {_MAX_ITEMS} values")
        return {
            _text(name, place): check(each, f"{place}, {_show(name)}")
            for name, each in value.items()
        }

    return read


def _list(check: Check, most: int = _MAX_ITEMS, item: str = "") -> Check:
    def read(value: object, place: str) -> object:
        if not isinstance(value, list) or len(value) > most:
            raise LockFormatError(f"{place} must be a list of at most {most} items")
        name = item or f"{place}, item"
        return [check(each, f"{name} {i}") for i, each in enumerate(value, 1)]

    return read


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise LockFormatError(f"{place} must be a text of at most {_MAX_TEXT} characters")
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
        raise LockFormatError(f"{place} has a sign that no text has")
    return value


def _name(value: object, place: str) -> str:
    text = _text(value, place)
    if not text:
        raise LockFormatError(f"{place} is empty")
    return text


def _one_of(*values: str) -> Check:
    def read(value: object, place: str) -> object:
        if not isinstance(value, str) or value not in values:
            raise LockFormatError(f"{place} is {_show(value)}, and must be {' or '.join(values)}")
        return value

    return read


def _matching(pattern: re.Pattern[str], kind: str) -> Check:
    def read(value: object, place: str) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise LockFormatError(f"{place} is {_show(value)}, and must be {kind}")
        return value

    return read


def _integer(value: object, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_INTEGER:
        raise LockFormatError(f"{place} is {_show(value)}, and must be a whole number")
    return value


def _number(value: object, place: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):  # type: ignore[arg-type]
        raise LockFormatError(f"{place} is {_show(value)}, and must be a number")
    return float(value)  # type: ignore[arg-type]


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise LockFormatError(f"{place} is {_show(value)}, and must be true or false")
    return value


_id = _matching(_ID, "an identifier, such as jabc12345")
_sha256 = _matching(_SHA256, "a SHA-256 in hex")


def _file(value: object, place: str) -> dict[str, Any]:
    fields: dict[str, Check] = {
        "id": _id,
        "name": _text,
        "format": _text,
        "size": _integer,
        "sha256": _sha256,
        "content_sha256": _sha256,
    }
    return _object(value, place, fields)


def _model(value: object, place: str) -> dict[str, Any]:
    if isinstance(value, dict) and "job" in value:
        return _object(value, place, {"job": _id})
    return _file(value, place)


def _device(value: object, place: str) -> dict[str, Any]:
    fields: dict[str, Check] = {"name": _name, "os": _text, "attributes": _list(_text)}
    return _object(value, place, fields, required=("name",))


def _spec(value: object, place: str) -> dict[str, Any]:
    fields: dict[str, Check] = {"shape": _list(_integer), "dtype": _one_of(*DTYPES)}
    return _object(value, place, fields, required=tuple(fields))


def _outputs(value: object, place: str) -> dict[str, Any]:
    return _object(value, place, dict.fromkeys(_OUTPUTS, _file))


def _job(value: object, place: str) -> dict[str, Any]:
    return _object(value, place, _JOB, required=("id", "type", "models"))


_JOB: Mapping[str, Check] = {
    "id": _id,
    "type": _one_of(*_TYPES),
    "name": _text,
    "options": _text,
    "devices": _list(_device),
    "input_specs": _mapping(_spec),
    "weights_dtype": _one_of(*_QUANTIZED),
    "activations_dtype": _one_of(*_QUANTIZED),
    "profiling": _flag,
    "models": _list(_model),
    "data": _file,
    "tools": _mapping(_text),
    "outputs": _outputs,
    "numbers": _mapping(_number),
    "gaps": _list(_text),
}
