"""Parameters and media types of a request, read as the contract declares them."""

import re
from collections.abc import Iterable, Mapping, Sequence

from starlette.requests import Request

from qai_hub.local.contract.bodies import PROTOBUF
from qai_hub.local.contract.document import Body, Json, Operation, Parameter
from qai_hub.local.contract.validation_errors import describe_errors, format_value, truncate
from qai_hub.local.errors import ProblemError

_MAX_QUERY_PARAMETERS = 500
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
# Python clients send their booleans capitalized.
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}


def read_parameters(operation: Operation, request: Request) -> dict[str, Json]:
    """Parse and validate the parameters that the contract declares; others are ignored.

    Args:
        operation: The operation that is called.
        request: The HTTP request.

    Returns:
        Values by name. Absent parameters have their default, or are omitted.

    Raises:
        ProblemError: 404 for an invalid path parameter, 400 for any other.
    """
    values: dict[str, Json] = {}
    for parameter in operation.parameters:
        texts = _raw_values(parameter, request)
        if not texts:
            if parameter.required:
                raise ProblemError(400, f"{_describe_parameter(parameter)} is missing.")
            if parameter.default is not None:
                values[parameter.name] = parameter.default
            continue
        try:
            value = _parse(parameter, texts)
            _check(parameter, value)
        except ValueError as error:
            if parameter.location == "path":
                raise ProblemError(404, _describe_absent(parameter, texts[0], error)) from None
            raise ProblemError(400, f"{error}.") from None
        values[parameter.name] = value
    return values


def complete_parameters(operation: Operation, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return the parameters of a call that this process makes itself.

    Args:
        operation: The operation that is called.
        given: Values by name.

    Returns:
        These, and the defaults of others.

    Raises:
        ProblemError: 404 for an invalid path parameter, 400 for any other.
    """
    values = {each.name: each.default for each in operation.parameters if each.default is not None}
    for parameter in operation.parameters:
        if parameter.name in given:
            values[parameter.name] = value = given[parameter.name]
            try:
                _check(parameter, value)
            except ValueError as error:
                if parameter.location == "path":
                    raise ProblemError(
                        404, _describe_absent(parameter, str(value), error)
                    ) from None
                raise ProblemError(400, f"{error}.") from None
    return values


def _raw_values(parameter: Parameter, request: Request) -> Sequence[str]:
    match parameter.location:
        case "path":
            return [request.path_params[parameter.name]]
        case "query":
            if request.scope["query_string"].count(b"&") >= _MAX_QUERY_PARAMETERS:
                raise ProblemError(
                    400, f"The query has more than {_MAX_QUERY_PARAMETERS} parameters."
                )
            return request.query_params.getlist(parameter.name)
        case _:
            return request.headers.getlist(parameter.name)


def _parse(parameter: Parameter, texts: Sequence[str]) -> Json:
    if parameter.kind == "array":
        return [_parse_scalar(parameter, parameter.item_kind, text) for text in texts]
    if len(texts) > 1 and parameter.location == "query":
        raise ValueError(f"{_describe_parameter(parameter)} is given more than once")
    # A repeated header is equivalent to one with all values (RFC 9110, 5.3).
    return _parse_scalar(parameter, parameter.kind, ", ".join(texts))


def _parse_scalar(parameter: Parameter, kind: str, text: str) -> Json:
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if kind == "boolean" and text in _BOOLEANS:
        return _BOOLEANS[text]
    if kind == "string":
        return text
    raise ValueError(
        f"{_describe_parameter(parameter)}: {format_value(text)} is not of type {kind}"
    )


def _check(parameter: Parameter, value: Json) -> None:
    if not parameter.validator.is_valid(value):
        raise ValueError(
            describe_errors(parameter.validator, value, _describe_parameter(parameter))
        )


def _describe_absent(parameter: Parameter, text: str, error: ValueError) -> str:
    noun = parameter.name.removesuffix("_id")
    if noun == parameter.name:
        return f"Not found: {error}."
    return f"There is no {noun} {format_value(text)}: this is no identifier of a {noun}."


def _describe_parameter(parameter: Parameter) -> str:
    return f"{parameter.location} parameter {parameter.name!r}"


# Browsers send fewer than ten.
_MAX_MEDIA_RANGES = 100
_BINARY = "application/octet-stream"


def negotiate_media_type(request: Request, operation: Operation) -> str:
    """Choose the media type of a successful response.

    The official client accepts anything. It expects the media type of its own `Content-Type`, which
    it sends even without a body.

    Args:
        request: The HTTP request.
        operation: The operation that is called.

    Returns:
        One of the media types of the operation's responses. Among equally acceptable ones, that of
        the request is preferred, then the contract's order.

    Raises:
        ProblemError: 406 if the caller accepts none of them.
    """
    types = [*operation.response_media_types, *([PROTOBUF] if operation.message else [])]
    accept = ",".join(request.headers.getlist("accept")).strip() or "*/*"
    if not types:
        return ""
    sent = _media_type(request, "")
    ranges = list(_parse_media_ranges(accept.split(",", _MAX_MEDIA_RANGES)[:_MAX_MEDIA_RANGES]))
    best = max(types, key=lambda media: (_quality(ranges, media), media == sent))
    if not _quality(ranges, best):
        raise ProblemError(406, f"The response is only available as {' or '.join(types)}.")
    return best


def request_media_type(request: Request, body: Body) -> str:
    """Return the media type of a request's body.

    Args:
        request: The HTTP request.
        body: The body that the operation declares.

    Returns:
        The media type.

    Raises:
        ProblemError: 415 if the operation does not accept it, or the body is compressed.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise ProblemError(415, f"Send the body as it is, without {format_value(coding)} encoding.")
    types = [*body.media_types, *([PROTOBUF] if body.message else [])]
    # A body without a type may be treated as bytes (RFC 9110, 8.3), as the parts of the official
    # client's uploads are.
    sent = _media_type(request, _BINARY)
    if sent not in types:
        raise ProblemError(415, f"Send {' or '.join(types)}, not {truncate(sent, 80)}.")
    return sent


def _media_type(request: Request, absent: str) -> str:
    return request.headers.get("content-type", absent).partition(";")[0].strip().lower()


def _quality(ranges: Iterable[tuple[str, float]], media: str) -> float:
    """Return the quality of the most specific matching range; 0 means not acceptable."""
    kind = media.partition("/")[0]
    precedence = {media: 2, f"{kind}/*": 1, "*/*": 0}
    best, found = -1, 0.0
    for name, quality in ranges:
        rank = precedence.get(name, -1)
        if rank > best:
            best, found = rank, quality
    return found


def _parse_media_ranges(items: Iterable[str]) -> Iterable[tuple[str, float]]:
    for item in items:
        name, *options = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for option in options:
            key, _, value = option.partition("=")
            if key.strip() == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 1.0
        yield name, quality
