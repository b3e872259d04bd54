"""Which media type a request has, and which ones its answer may have."""

from collections.abc import Iterable, Sequence

from starlette.requests import Request

from qai_hub.local.problems import ProblemError

_BINARY = "application/octet-stream"


def check_accept(request: Request, produces: Sequence[str]) -> None:
    """Refuse a request whose `Accept` leaves out all that it can be answered with.

    Args:
        request: The HTTP request.
        produces: Media types of the success answers; none if they have no content.

    Raises:
        ProblemError: 406.
    """
    accept = ",".join(request.headers.getlist("accept")).strip()
    if not accept or not produces:
        return
    if not any(_accepts(accept, media) for media in produces):
        raise ProblemError(406, f"This is answered as {' or '.join(produces)}.")


def check_content_type(request: Request, media_types: Sequence[str]) -> None:
    """Refuse a body of a media type that the operation does not take.

    Args:
        request: The HTTP request.
        media_types: What the operation takes.

    Raises:
        ProblemError: 415.
    """
    # A body without a type may be taken for bytes (RFC 9110, 8.3): the official client's parts are.
    sent = request.headers.get("content-type", _BINARY).partition(";")[0].strip().lower()
    if sent not in media_types:
        raise ProblemError(415, f"Send {' or '.join(media_types)}, not {sent}.")


def _accepts(accept: str, media: str) -> bool:
    """Tell whether the most specific range that matches does not rule a media type out."""
    kind = media.partition("/")[0]
    precedence = {media: 2, f"{kind}/*": 1, "*/*": 0}
    best, wanted = -1, False
    for name, quality in _ranges(accept.split(",")):
        rank = precedence.get(name, -1)
        if rank > best:
            best, wanted = rank, quality > 0
    return wanted


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
