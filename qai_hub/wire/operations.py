"""Which messages each operation of the API takes and gives."""

import functools
import json
import re
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Operation", "find_operation"]


class Bare(NamedTuple):
    """Another message that may be answered: one field of the usual one, without the rest.

    Attributes:
        message: Its full name.
        field: The field.
        unless: Parameter of the query that asks for the usual message.
    """

    message: str
    field: str
    unless: str


class Operation(NamedTuple):
    """An operation on the protobuf wire.

    Attributes:
        request: Full name of the message of its body, if that is one.
        response: Full name of the message of its answer, if that is one.
        bare: Another form of the answer, if there is one.
    """

    request: str | None
    response: str | None
    bare: Bare | None


def find_operation(method: str, path: str) -> Operation | None:
    """Finds the operation of a request.

    Args:
        method: Method, in capitals.
        path: Path as it is sent, from `/api` on.

    Returns:
        The operation; None if it is JSON on every wire, or not of the API.
    """
    for pattern, operation in _operations().get(method, ()):
        if pattern.fullmatch(path):
            return operation
    return None


@functools.cache
def _operations() -> dict[str, list[tuple[re.Pattern[str], Operation]]]:
    """Operations by their methods, with what their paths look like."""
    text = files("qai_hub_api").joinpath("operations.json").read_text("utf-8")
    found: dict[str, list[tuple[re.Pattern[str], Operation]]] = {}
    for entry in json.loads(text).values():
        if entry["request"] is None and entry["response"] is None:
            continue
        bare = Bare(**entry["bare"]) if "bare" in entry else None
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(entry["path"]))
        operation = Operation(entry["request"], entry["response"], bare)
        found.setdefault(entry["method"], []).append((re.compile(pattern), operation))
    return found
