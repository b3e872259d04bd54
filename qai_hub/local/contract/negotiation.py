"""Which media type a request has, and which ones its answer may have."""

from collections.abc import Iterable

from starlette.requests import Request

from qai_hub.local.contract.document import Body, Operation
from qai_hub.local.contract.wire import PROTOBUF
from qai_hub.local.contract.words import shorten, show
from qai_hub.local.problems import ProblemError

# Browsers send less than ten.
_MOST_RANGES = 100
_BINARY = "application/octet-stream"


def answer_type(request: Request, operation: Operation) -> str:
    """Choose the media type of a successful answer.

    Callers of the official client accept anything, and tell what they want by the media type of
    what they send, even where they send nothing.

    Args:
        request: The HTTP request.
        operation: What it calls.

    Returns:
        One of the media types of the operation's answers; of several that are accepted alike, that
        of the request, else the contract's.

    Raises:
        ProblemError: 406 if the caller accepts none of them.
    """
    types = [*operation.produces, *([PROTOBUF] if operation.message else [])]
    accept = ",".join(request.headers.getlist("accept")).strip() or "*/*"
    if not types:
        return ""
    sent = _media_type(request, "")
    ranges = list(_ranges(accept.split(",", _MOST_RANGES)[:_MOST_RANGES]))
    best = max(types, key=lambda media: (_quality(ranges, media), media == sent))
    if not _quality(ranges, best):
        raise ProblemError(406, f"This is answered as {' or '.join(types)}.")
    return best


def content_type(request: Request, body: Body) -> str:
    """Tell the media type of a request's body.

    Args:
        request: The HTTP request.
        body: What the operation takes.

    Returns:
        The media type.

    Raises:
        ProblemError: 415 if the operation does not take it, or it is compressed.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise ProblemError(415, f"Send the body as it is, without {show(coding)} encoding.")
    types = [*body.media_types, *([PROTOBUF] if body.message else [])]
    # A body without a type may be taken for bytes (RFC 9110, 8.3): the official client's parts are.
    sent = _media_type(request, _BINARY)
    if sent not in types:
        raise ProblemError(415, f"Send {' or '.join(types)}, not {shorten(sent, 80)}.")
    return sent


def _media_type(request: Request, absent: str) -> str:
    return request.headers.get("content-type", absent).partition(";")[0].strip().lower()


def _quality(ranges: Iterable[tuple[str, float]], media: str) -> float:
    """Give the quality that the most specific range which matches has; 0 rules it out."""
    kind = media.partition("/")[0]
    precedence = {media: 2, f"{kind}/*": 1, "*/*": 0}
    best, found = -1, 0.0
    for name, quality in ranges:
        rank = precedence.get(name, -1)
        if rank > best:
            best, found = rank, quality
    return found


def _ranges(items: Iterable[str]) -> Iterable[tuple[str, float]]:
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
