"""Reading the parameters of a request by the contract."""

import re
from collections.abc import Sequence

from starlette.requests import Request

from qai_hub.local.contract.document import Json, Operation, Parameter
from qai_hub.local.contract.words import explain, show
from qai_hub.local.problems import ProblemError

_MOST_IN_QUERY = 500
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
# Python clients print their booleans with a capital.
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


def read_parameters(operation: Operation, request: Request) -> dict[str, Json]:
    """Parse and validate what the contract declares; what it does not declare is ignored.

    Args:
        operation: The operation that is called.
        request: The HTTP request.

    Returns:
        Values by name. Absent parameters have their default, or are left out.

    Raises:
        ProblemError: 404 for a path that names nothing, 400 for the others.
    """
    values: dict[str, Json] = {}
    for parameter in operation.parameters:
        texts = _texts(parameter, request)
        if not texts:
            if parameter.required:
                raise ProblemError(400, f"{_subject(parameter)} is missing")
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            continue
        try:
            value = _parse(parameter, texts)
            _check(parameter, value)
        except ValueError as error:
            if parameter.location == "path":
                raise ProblemError(404, f"There is nothing here: {error}") from None
            raise ProblemError(400, str(error)) from None
        values[parameter.name] = value
    return values


def _texts(parameter: Parameter, request: Request) -> Sequence[str]:
    match parameter.location:
        case "path":
            return [request.path_params[parameter.name]]
        case "query":
            if request.scope["query_string"].count(b"&") >= _MOST_IN_QUERY:
                raise ProblemError(400, f"The query has more than {_MOST_IN_QUERY} parameters.")
            return request.query_params.getlist(parameter.name)
        case _:
            return request.headers.getlist(parameter.name)


def _parse(parameter: Parameter, texts: Sequence[str]) -> Json:
    if parameter.kind == "array":
        return [_scalar(parameter, parameter.item_kind, text) for text in texts]
    if len(texts) > 1 and parameter.location == "query":
        raise ValueError(f"{_subject(parameter)} is given more than once")
    # A header that is sent twice means the same as one with both values (RFC 9110, 5.3).
    return _scalar(parameter, parameter.kind, ", ".join(texts))


def _scalar(parameter: Parameter, kind: str, text: str) -> Json:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if kind == "string":
        return text
    raise ValueError(f"{_subject(parameter)}: {show(text)} is not of type {kind}")


def _check(parameter: Parameter, value: Json) -> None:
    if not parameter.validator.is_valid(value):
        raise ValueError(explain(parameter.validator, value, _subject(parameter)))


def _subject(parameter: Parameter) -> str:
    return f"{parameter.location} parameter {parameter.name!r}"
