"""What all pages share: who looks at one, what it asks the API, and how it is rendered."""

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from qai_hub._version import __version__
from qai_hub.local.api import HANDLERS
from qai_hub.local.api.context import RequestContext, Services
from qai_hub.local.contract import Call, Reply, check_body, complete_parameters
from qai_hub.local.core.sign_ins import SIGN_IN_PATH
from qai_hub.local.errors import ProblemError, reason_phrase
from qai_hub.local.pages import text
from qai_hub.local.pages.netron import Netron
from qai_hub.local.pages.static_files import StaticFiles
from qai_hub.local.store.people import normalize_email
from qai_hub.local.store.records import User

_NEXT: Final = re.compile(r'<[^>]*[?&]cursor=([0-9]+)[^>]*>; rel="next"')
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types hub"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # With `no-referrer`, browsers would not say where a form comes from, which tells forgeries.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""The headers of all that is only for the browser of whoever is signed in."""


_SECTIONS: Final = {
    "models": "models",
    "datasets": "datasets",
    "devices": "devices",
    "docs": "operations of the API",
}

Form = ImmutableMultiDict[str, str]
"""The fields of a form; one that was sent several times has its last value."""


class Site:
    """Renders pages.

    Args:
        services: What the handlers of the API use.

    Attributes:
        services: The same.
        static: The style sheet, scripts and images.
        netron: What draws the graphs of models.
        cookie: The name of the cookie that browsers are known by. Cookies belong to a host with all
            its ports, so each hub has a name of its own.
    """

    def __init__(self, services: Services) -> None:
        self.services = services
        self.static = StaticFiles()
        self.netron = Netron()
        self.cookie = f"qai_hub_{hashlib.sha256(services.store.secret).hexdigest()[:8]}"
        self.operations = {each.id: each for each in services.contract.operations}
        self._templates = Environment(
            loader=PackageLoader("qai_hub.local.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= text.FILTERS
        self._templates.globals |= {"static": self.static.url, "version": __version__}

    def render(
        self,
        template: str,
        viewer: User | None,
        values: Mapping[str, Any],
        status: int = 200,
    ) -> Response:
        """Render a template.

        Args:
            template: Its file name.
            viewer: The user who looks at it; None for nobody.
            values: What it shows.
            status: HTTP status.

        Returns:
            The response.
        """
        html = self._templates.get_template(template).render(values, viewer=viewer)
        return HTMLResponse(html, status, headers=HEADERS)

    def render_problem(
        self, request: Request, viewer: User | None, problem: ProblemError
    ) -> Response:
        """Render an error, or lead those who have to sign in to where they can."""
        if problem.status == 401:
            response: Response = redirect(f"{SIGN_IN_PATH}?to={quote(_address(request), safe='/')}")
        else:
            values = {
                "title": reason_phrase(problem.status),
                "detail": problem.detail,
                "back": _form_path(request),
                "section": _section(request.url.path),
                # Somebody else may see what this viewer does not.
                "sign_in": f"{SIGN_IN_PATH}?to={quote(_address(request), safe='/')}"
                if request.method in ("GET", "HEAD") and problem.status in (403, 404)
                else "",
            }
            response = self.render("problem.html", viewer, values, problem.status)
        kept = {"Allow", "Retry-After"} & problem.headers.keys()
        response.headers.update({name: problem.headers[name] for name in kept})
        return response


@dataclass(frozen=True, slots=True)
class Page:
    """A page while it is made, for one viewer and in one transaction.

    Attributes:
        site: The site that it belongs to.
        request: The request for it.
        viewer: The user who looks at it.
        db: The transaction.
        exit_stack: Context managers that stay open until the transaction has ended.
        done: The results of what was done without a transaction, by name.
        form: The fields of a form that was sent.
        after_commit: Actions to run once the transaction has succeeded.
    """

    site: Site
    request: Request
    viewer: User
    db: Connection
    exit_stack: ExitStack
    done: dict[str, Any]
    form: Form
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    @property
    def params(self) -> list[tuple[str, str]]:
        """The parameters of its address, in order."""
        return self.request.query_params.multi_items()

    def ask(self, operation: str, body: Any = None, /, **params: Any) -> Reply:  # noqa: ANN401 - JSON
        """Call an operation of the API as the viewer, within the page's own transaction.

        Args:
            operation: Its operationId.
            body: Its body.
            params: Its parameters; absent ones have their default.

        Returns:
            Its response.

        Raises:
            ProblemError: As in the API.
        """
        called = self.site.operations[operation]
        if called.body is not None:
            check_body(called.body, body)
        call = Call(called, self.request, self.viewer, complete_parameters(called, params), body)
        context = RequestContext(
            self.site.services,
            call,
            self.db,
            self.exit_stack,
            self.after_commit,
            self.done,
        )
        return HANDLERS[operation](context)

    def get(self, operation: str, /, **params: Any) -> Any:  # noqa: ANN401 - JSON
        """Call an operation that reads, and return the body of its response."""
        return self.ask(operation, **params).body

    def render(self, template: str, /, status: int = 200, **values: Any) -> Response:  # noqa: ANN401 - of any kind
        """Render a template for the viewer."""
        return self.site.render(template, self.viewer, values, status)


View = Callable[[Page], Response]
"""Makes a page."""


def read_emails(form: Form) -> list[str]:
    """Return whom a form shares something with: several are written with commas or blanks between.

    Raises:
        ProblemError: 400 if one of them is no e-mail address.
    """
    emails = re.split(r"[\s,;]+", form.get("emails", "").strip(" ,;"))
    try:
        return [normalize_email(each) for each in emails]
    except ValueError as error:
        raise ProblemError(
            400, f"{error}, such as name@example.com. Go back, and write it anew."
        ) from None


def redirect(path: str) -> Response:
    """Lead a browser to another page of the hub, which it gets anew."""
    return RedirectResponse(path, 303, headers=HEADERS)


def set_private_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int, path: str = "/"
) -> None:
    """Have a browser keep something that neither scripts nor other sites get hold of.

    Args:
        request: The request.
        response: Its response, which gets the cookie.
        name: The cookie's name.
        value: Its value.
        seconds: How long the browser keeps it.
        path: The pages that it is for, with all below that path.
    """
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=path,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def delete_private_cookie(response: Response, name: str, path: str = "/") -> None:
    """Have a browser forget such a cookie."""
    response.delete_cookie(name, path, httponly=True, samesite="strict")


def next_cursor(reply: Reply) -> str | None:
    """Return where the next page of a list begins, from the response with one; None on the last."""
    found = _NEXT.match(reply.headers.get("Link", ""))
    return found[1] if found else None


def local_path(path: str) -> str:
    """Return a path that somebody else has named; that of the first page if it is no path.

    A browser takes two slashes, of either kind, for the beginning of another site's address, and
    leaves out tabs and ends of lines, wherever they are.
    """
    is_local = path[:1] == "/" and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_local else "/"


def _section(path: str) -> tuple[str, str]:
    """Return the path and the name of the list that a path belongs to."""
    part = path.strip("/").partition("/")[0]
    return (f"/{part}/", _SECTIONS[part]) if part in _SECTIONS else ("/jobs/", "jobs")


def _form_path(request: Request) -> str:
    """Return the page whose form was sent, as far as the browser tells; empty for no form."""
    if request.method != "POST":
        return ""
    page = urlsplit(request.headers.get("referer", ""))
    path = f"{page.path}?{page.query}" if page.query else page.path
    return local_path(path) if page.netloc == request.headers["host"] else ""


def _address(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
