"""Telling open pages which jobs have changed, by server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Final

from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from qai_hub.local.core.access import filter_visible
from qai_hub.local.errors import ProblemError
from qai_hub.local.pages.endpoint import find_viewer
from qai_hub.local.pages.site import HEADERS, Site
from qai_hub.local.store.events import Topic
from qai_hub.local.store.records import User
from qai_hub.local.store.rows import JOBS

# Pages that are open at once: each has a connection. Of one user fewer, so that nobody takes all.
_MAX_PAGES: Final = 200
_MAX_PAGES_OF_USER: Final = 20
_RETRY: Final = {"Retry-After": "30"}
# Seconds in which changes are collected, so that a page is not told of each of many.
_COLLECT_SECONDS: Final = 0.3
# Seconds after which a page is told that nothing has changed, which also tells the hub that it is
# still there, and whether its user still has access.
_SILENCE_SECONDS: Final = 15.0


class _Changes:
    """What a page has not been told yet.

    Args:
        viewer: Who looks at the page.
    """

    def __init__(self, viewer: User) -> None:
        self.viewer = viewer
        self.some = asyncio.Event()
        self._ids: set[str] | None = set()

    def add(self, job_ids: Sequence[str] | None) -> None:
        """Add changed jobs; None for any."""
        if job_ids is None or self._ids is None:
            self._ids = None
        else:
            self._ids.update(job_ids)
        self.some.set()

    def take(self) -> list[str] | None:
        """Return the changed jobs, and begin anew."""
        ids, self._ids = self._ids, set()
        self.some.clear()
        return None if ids is None else sorted(ids)


class LivePages:
    """The open pages of this process, as an ASGI application that serves their events.

    An event names the jobs that have changed and that the viewer may see; none if it may be any.

    Args:
        site: The site that they belong to.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pages: set[_Changes] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        for topic in (Topic.CHANGED, Topic.ENDED):
            site.services.store.subscribe(topic, self.notify)

    def open(self) -> None:
        """Accept pages, on the running event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """End the streams of all pages; must be called on the event loop."""
        self._loop = None
        self._tell(None)

    def notify(self, job_ids: Sequence[str] | None) -> None:
        """Tell pages, from any thread, that jobs have changed; any of them if None."""
        loop = self._loop
        if loop is None or not self._pages:
            return
        try:
            loop.call_soon_threadsafe(self._tell, job_ids)
        except RuntimeError:
            # The loop has been closed since, with all streams.
            return

    def _tell(self, job_ids: Sequence[str] | None) -> None:
        for page in self._pages:
            page.add(job_ids)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the events of one page."""
        request = Request(scope, receive)
        if scope["method"] != "GET":
            raise ProblemError(405, "Events are only for GET.", headers={"Allow": "GET"})
        page = self._add(await find_viewer(self._site, request))
        try:
            response: Response = StreamingResponse(
                self._events(request, page),
                media_type="text/event-stream",
                headers={**HEADERS, "X-Accel-Buffering": "no"},
            )
            await response(scope, receive, send)
        finally:
            self._pages.discard(page)

    def _add(self, viewer: User) -> _Changes:
        """Count a page in, before anything else can be.

        Raises:
            ProblemError: There are too many, of all people or of one.
        """
        if len(self._pages) >= _MAX_PAGES or self._loop is None:
            raise ProblemError(503, "Too many pages are open for live updates.", headers=_RETRY)
        if sum(each.viewer == viewer for each in self._pages) >= _MAX_PAGES_OF_USER:
            raise ProblemError(
                429, "Too many of your pages are open for live updates: close some.", headers=_RETRY
            )
        page = _Changes(viewer)
        self._pages.add(page)
        return page

    async def _events(self, request: Request, page: _Changes) -> AsyncIterator[str]:
        yield "retry: 3000\n\n"
        while self._loop is not None:
            try:
                await asyncio.wait_for(page.some.wait(), _SILENCE_SECONDS)
                await asyncio.sleep(_COLLECT_SECONDS)
            except TimeoutError:
                yield ": still here\n\n"
            if self._loop is None or await self._viewer_of(request) != page.viewer:
                return
            if page.some.is_set():
                ids = page.take()
                seen = None if ids is None else await run_sync(self._visible, page.viewer, ids)
                if seen != []:
                    yield f"event: jobs\ndata: {json.dumps(seen)}\n\n"

    async def _viewer_of(self, request: Request) -> User | None:
        try:
            return await find_viewer(self._site, request)
        except ProblemError:
            return None

    def _visible(self, viewer: User, ids: Sequence[str]) -> list[str]:
        with self._site.services.store.read() as db:
            found = JOBS.get_many(db, ids).values()
            return [*filter_visible(db, viewer, found)]
