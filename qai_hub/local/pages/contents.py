"""Files that a page gets itself and hands over, past the signed URLs of downloads."""

from itertools import chain

from starlette.responses import Response, StreamingResponse

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.site import Page


def send_content(page: Page, file_id: str, size: int, media_type: str) -> Response:
    """Return a file itself, which the viewer may read.

    Args:
        page: The page.
        file_id: The file.
        size: Its size in bytes.
        media_type: Its media type.
    """
    blocks = page.site.services.storage.open_range(file_id, 0, size)
    try:
        # Before the headers are sent: until the file is open, it may be deleted at any time.
        begin = next(blocks, b"")
    except FileNotFoundError:
        raise ProblemError(404, "The file no longer exists.") from None
    headers = {"Content-Length": str(size)}
    return StreamingResponse(chain((begin,), blocks), headers=headers, media_type=media_type)
