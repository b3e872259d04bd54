"""A word on the next page about what a form has done.

A browser keeps it in a cookie until that page, as addresses that say so could be made by anybody.
"""

from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.site import Page, Site, delete_private_cookie, set_private_cookie
from qai_hub.local.store.records import User

_OPERATION: Final = "a word on the next page"
_SECONDS: Final = 60
_PATH: Final = "/jobs/"
# What browsers keep ends at 4096 bytes, after encoding.
_MAX_TEXT: Final = 400


def leave_note(site: Site, request: Request, response: Response, viewer: User, text: str) -> None:
    """Have the list of jobs say something once.

    Args:
        site: The site.
        request: The request that did something.
        response: What leads to the list.
        viewer: Who is told.
        text: What; an end that is too long is cut.
    """
    said = text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
    signed = site.services.signer.sign(_OPERATION, viewer=viewer.id, text=said)
    set_private_cookie(request, response, _name(site), signed, _SECONDS, _PATH)


def read_note(page: Page) -> str:
    """Return what a page has to say; empty for nothing."""
    signed = page.request.cookies.get(_name(page.site), "")
    with suppress(ProblemError):
        signer = page.site.services.signer
        return str(signer.check(_OPERATION, signed, viewer=page.viewer.id)["text"])
    return ""


def end_note(site: Site, response: Response) -> None:
    """Keep the pages after this one from saying it again."""
    delete_private_cookie(response, _name(site), _PATH)


def _name(site: Site) -> str:
    return f"{site.cookie}_note"
