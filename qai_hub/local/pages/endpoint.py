"""Serving a page: the viewer, the method, forms, and errors as pages."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.api.context import run_until_done
from qai_hub.local.api.other_sites import is_of_other_site
from qai_hub.local.contract.bodies import read_body
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.site import HEADERS, Form, Page, Site, View
from qai_hub.local.store.records import User

_Result = TypeVar("_Result")

_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM_BYTES: Final = 64 << 10
_MAX_FIELDS: Final = 1000
_FORM_SECONDS: Final = 20.0


class PageEndpoint:
    """One page, as an ASGI application.

    Args:
        site: The site that it belongs to.
        get: Makes the page; None if there is none to look at.
        post: Carries out what its form asks for; None if it has none.
    """

    def __init__(self, site: Site, get: View | None = None, post: View | None = None) -> None:
        self._site = site
        self._views = {"GET": get, "HEAD": get, "POST": post}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request, viewer = Request(scope, receive), None
        try:
            view = self._view(scope["method"])
            is_form = scope["method"] == "POST"
            if is_form:
                refuse_other_forms(request)
            # Nothing is read of what nobody in particular sends.
            viewer = await find_viewer(self._site, request)
            form = await read_form(request) if is_form else Form()
            response = await self._show(view, request, viewer, form)
        except ProblemError as problem:
            response = self._site.render_problem(request, viewer, problem)
        # Of files as well: browsers send the cookie with what a page at another port asks for.
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _view(self, method: str) -> View:
        view = self._views.get(method)
        if view is None:
            allow = ", ".join(name for name, each in self._views.items() if each is not None)
            raise ProblemError(405, f"{method} is not for this page.", headers={"Allow": allow})
        return view

    async def _show(self, view: View, request: Request, viewer: User, form: Form) -> Response:
        writes = request.method == "POST"
        return await run_view(self._site, view, request, viewer, form, writes=writes)


async def run_view(
    site: Site,
    view: Callable[[Page], _Result],
    request: Request,
    viewer: User,
    form: Form | None = None,
    *,
    writes: bool = False,
) -> _Result:
    """Make a page, or a part of one, in a transaction of its own.

    Args:
        site: The site.
        view: What is made of the page.
        request: The request for it.
        viewer: The user who looks at it.
        form: The fields of a form that was sent; None for none.
        writes: Whether the transaction writes.

    Returns:
        What the view returns.
    """
    store = site.services.store

    def run(done: dict[str, Any]) -> _Result:
        with ExitStack() as exit_stack:
            with store.write(done=done) if writes else store.read() as db:
                page = Page(site, request, viewer, db, exit_stack, done, form or Form())
                result = view(page)
            for action in page.after_commit:
                action()
            return result

    # What waits for others to write keeps nobody from reading.
    return await run_until_done(site.services, run, None if writes else viewer)


async def find_viewer(site: Site, request: Request) -> User:
    """Return the user that a browser is signed in as.

    Raises:
        ProblemError: 401 if there is none.
    """
    session = request.cookies.get(site.cookie)
    # Browsers send it with what pages at other ports of the same host request, too.
    if session and not is_of_other_site(request):
        viewer = await run_sync(site.services.sign_ins.find_user, session)
        if viewer is not None:
            return viewer
    # A proxy may vouch for them, and scripts may have a token.
    found: User = await site.services.authenticate(request)
    return found


async def read_form(request: Request) -> Form:
    """Return the fields of a form that a page of this hub has sent.

    Raises:
        ProblemError: 403 if a page of another site has; 413 or 415 if it is no such form.
    """
    refuse_other_forms(request)
    raw = await read_body(request.stream(), request.headers, _MAX_FORM_BYTES, _FORM_SECONDS)
    try:
        fields = parse_qsl(
            raw.decode("utf-8"),
            keep_blank_values=True,
            max_num_fields=_MAX_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise ProblemError(400, "The form cannot be read.") from None
    return Form(fields)


def refuse_other_forms(request: Request) -> None:
    """Refuse forms of other sites, which browsers would send with this hub's cookie.

    Browsers name the origin of each form, so one that does not is none.

    Raises:
        ProblemError: 403, or 415 if it is no form at all.
    """
    headers = request.headers
    origin = headers.get("origin")
    site = headers.get("sec-fetch-site", "same-origin")
    # A proxy may have taken TLS off, so the scheme is left aside.
    if site != "same-origin" or origin is None or origin.partition("://")[2] != headers["host"]:
        raise ProblemError(
            403, "This form comes from another site. Open the page of this hub, and try again."
        )
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise ProblemError(415, f"Send {_FORM}.")
