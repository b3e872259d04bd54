"""Signing a browser in by a link, and out again."""

import shlex
from functools import partial

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.endpoint import read_form
from qai_hub.local.pages.site import Site, local_path, redirect

_USED = (
    "This link has been used, or is too old: each signs one browser in, within a few minutes. "
    "Make another one as told below."
)


class _Endpoint:
    """What nobody has to be signed in for, as an ASGI application.

    Args:
        site: The site that it belongs to.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ProblemError as problem:
            response = self._site.render_problem(request, None, problem)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        raise NotImplementedError


class SignInPage(_Endpoint):
    """The page that a link leads to.

    Its form uses the link up, and not the request for the page: programs that look at links, such
    as those of mail servers, send only the latter. And a cookie that other sites' requests do not
    have is sent with what the hub's own page begins.
    """

    async def _respond(self, request: Request) -> Response:
        query = request.query_params
        if request.method in ("GET", "HEAD"):
            # Another site must not sign somebody in as whom it likes, behind their back.
            is_asked_for = request.headers.get("sec-fetch-site", "none") == "none"
            to = local_path(query.get("to", "/"))
            return self._show(query.get("code", ""), to, submits=is_asked_for)
        if request.method != "POST":
            raise ProblemError(405, "This page has a form.", headers={"Allow": "GET, HEAD, POST"})
        form = await read_form(request)
        to = local_path(form.get("to", "/"))
        begin = partial(self._site.services.sign_ins.begin_session, form.get("code", ""))
        begun = await run_sync(begin)
        if begun is None:
            return self._show("", to, problem=_USED, status=403)
        response = redirect(to)
        self._set_cookie(request, response, begun[0])
        return response

    def _show(
        self, code: str, to: str, *, submits: bool = False, problem: str = "", status: int = 200
    ) -> Response:
        command = "qai-hub open" if to == "/" else f"qai-hub open {shlex.quote(to)}"
        values = {
            "code": code,
            "to": to,
            "submits": submits,
            "problem": problem,
            "command": command,
        }
        return self._site.render("sign_in.html", None, values, status)

    def _set_cookie(self, request: Request, response: Response, session: str) -> None:
        response.set_cookie(
            self._site.cookie,
            session,
            max_age=int(self._site.services.config.retention.sessions.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


class SignOut(_Endpoint):
    """Signs a browser out."""

    async def _respond(self, request: Request) -> Response:
        if request.method != "POST":
            raise ProblemError(405, "This is for a form.", headers={"Allow": "POST"})
        await read_form(request)
        session = request.cookies.get(self._site.cookie)
        if session:
            await run_sync(self._site.services.sign_ins.end_session, session)
        response = redirect("/sign-in/")
        response.delete_cookie(self._site.cookie, httponly=True, samesite="strict")
        return response
