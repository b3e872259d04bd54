"""Signing a browser in by a link, and out again."""

import shlex

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from qai_hub.local.core.sign_ins import link_path
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.endpoint import find_viewer, read_form
from qai_hub.local.pages.site import (
    Site,
    delete_private_cookie,
    local_path,
    redirect,
    set_private_cookie,
)
from qai_hub.local.store.records import User

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
        if request.method in ("GET", "HEAD"):
            query = request.query_params
            to = local_path(query.get("to", "/"))
            code = query.get("code", "")
            return await self._offer(request, code, to) if code else self._explain(to)
        if request.method != "POST":
            raise ProblemError(405, "This page has a form.", headers={"Allow": "GET, HEAD, POST"})
        form = await read_form(request)
        to = local_path(form.get("to", "/"))
        earlier = request.cookies.get(self._site.cookie)
        begin = self._site.services.sign_ins.begin_session
        session = await run_sync(begin, form.get("code", ""), earlier)
        if session is None:
            return self._explain(to, _USED, 403)
        response = redirect(to)
        seconds = int(self._site.services.config.retention.sessions.total_seconds())
        set_private_cookie(request, response, self._site.cookie, session, seconds)
        return response

    async def _offer(self, request: Request, code: str, to: str) -> Response:
        """Ask whether to sign in as whom a link is for.

        Anybody may have sent the link. A browser goes on by itself only if that changes nothing:
        if it is signed in as the same user. Otherwise, somebody could have others work, and share
        their models, as whom they do not know that they are.
        """
        becomes = await run_sync(self._site.services.sign_ins.find_link_user, code)
        if becomes is None:
            return self._explain(to, _USED, 403)
        viewer = await self._find_viewer(request)
        values = {"code": code, "to": to, "becomes": becomes, "is_same": viewer == becomes}
        response = self._site.render("sign_in_as.html", viewer, values)
        if viewer is None and request.headers.get("sec-fetch-site") == "cross-site":
            # Browsers withhold the cookie from what other sites and files lead to, but not from
            # what this page does.
            response.headers["Refresh"] = f"0; url={link_path(code, to)}"
        return response

    async def _find_viewer(self, request: Request) -> User | None:
        try:
            return await find_viewer(self._site, request)
        except ProblemError:
            return None

    def _explain(self, to: str, problem: str = "", status: int = 200) -> Response:
        """Tell how to get a link."""
        command = "qai-hub open" if to == "/" else f"qai-hub open {shlex.quote(to)}"
        values = {"problem": problem, "command": command}
        return self._site.render("sign_in.html", None, values, status)


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
        delete_private_cookie(response, self._site.cookie)
        return response
