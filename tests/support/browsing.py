"""Browsers that note what no page of a hub may do."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    Response,
    WebError,
)

WIDE: Any = {"width": 1280, "height": 900}
NARROW: Any = {"width": 360, "height": 740}

# What the browser tells of what its pages are not allowed.
_POLICY_EVENTS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`violates ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
});
"""
# A page may be one of an error, and a stream may be refused.
_MAY_FAIL = ("document", "eventsource")


class Watch:
    """Notes violations of the policy, errors of scripts, dialogs, and requests that go elsewhere.

    Attributes:
        origins: Where requests may go.
        problems: What was noted.
    """

    def __init__(self, origin: str) -> None:
        self.origins = {origin}
        self.problems: list[str] = []

    def follow(self, context: BrowserContext) -> None:
        """Note what happens in a browser."""
        context.add_init_script(_POLICY_EVENTS)
        context.on("request", self._on_request)
        context.on("response", self._on_response)
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("dialog", self._on_dialog)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(
            ("data:", "blob:", *(f"{origin}/" for origin in self.origins))
        ):
            self.problems.append(f"request to {request.url}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type not in _MAY_FAIL:
            self.problems.append(f"{response.status} for {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        # Responses are looked at by themselves.
        is_response = message.text.startswith("Failed to load resource")
        # What the driver of this machine's graphics has to say.
        is_driver = "GL Driver Message" in message.text
        if message.type in ("error", "warning") and not is_response and not is_driver:
            self.problems.append(f"{message.type}: {message.text}")

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"error: {error.error}")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


class Browsing:
    """Opens pages of a hub, each in a browser that knows nothing of the others.

    Args:
        chromium: The program.
        url: The hub.
        get_session: Returns name and value of the cookie of the user with an e-mail address.

    Attributes:
        watch: What was noted.
    """

    def __init__(
        self, chromium: Browser, url: str, get_session: Callable[[str], tuple[str, str]]
    ) -> None:
        self.watch = Watch(url)
        self._chromium = chromium
        self._url = url
        self._get_session = get_session
        self._contexts: list[BrowserContext] = []

    def __call__(self, email: str | None = None, **options: Any) -> Page:
        """Open an empty page.

        Args:
            email: Who is signed in; None for nobody.
            options: Those of Playwright's contexts.
        """
        context = self._chromium.new_context(base_url=self._url, **options)
        self._contexts.append(context)
        context.set_default_timeout(20_000)
        self.watch.follow(context)
        if email is not None:
            name, value = self._get_session(email)
            context.add_cookies(
                [{"name": name, "value": value, "url": self._url, "sameSite": "Strict"}]
            )
        return context.new_page()

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


class KeptPages:
    """Pages that tests use one after the other: a browser of its own takes longer than most pages.

    What tests do in them changes neither who is signed in nor what the browser remembers.

    Args:
        browsing: Opens them, and closes them in the end.

    Attributes:
        watch: What was noted.
    """

    def __init__(self, browsing: Browsing) -> None:
        self.watch = browsing.watch
        self._browse = browsing
        self._pages: dict[tuple[Any, ...], Page] = {}

    def __call__(self, email: str | None = None, **options: Any) -> Page:
        """Return a page as `Browsing` opens one, which may show what was looked at before.

        To leave for an empty page would take as long: the policy of the hub's pages has each site
        in a process of its own.
        """
        key = (email, *sorted(options.items()))
        if key not in self._pages:
            self._pages[key] = self._browse(email, **options)
        page = self._pages[key]
        page.set_viewport_size(WIDE)
        page.emulate_media(media="null", color_scheme="null")
        return page
