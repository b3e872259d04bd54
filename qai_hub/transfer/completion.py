"""Completion of multipart uploads, repeated until the service confirms it.

Assembling a large file may take the service longer than a request may last, and the response may
be lost. The client then asks whether the file is complete, so that a lost response does not force
the user to upload gigabytes again.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable

from qai_hub.errors import Error, InternalError
from qai_hub.transport.errors import is_transient

__all__ = ["PATIENCE", "complete"]

PATIENCE = 300.0
"""Seconds to wait for the service to confirm a completed upload."""

# Seconds to pause before each status check that follows an attempt.
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
# Statuses of a repeated attempt when the first one is still running or has succeeded.
_IN_THE_WAY = frozenset({404, 409})


async def complete(
    send: Callable[[], Awaitable[object]],
    is_complete: Callable[[], Awaitable[bool]],
    what: str,
    *,
    sleep: Callable[[float], Awaitable[object]],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Completes an upload, and waits until the service confirms it.

    Args:
        send: Sends the completion request. It is safe to send more than once.
        is_complete: Asks whether the service has the whole file.
        what: What was uploaded, such as `"Model mabc"`.
        sleep: Sleeps for a number of seconds.
        clock: Monotonic clock, in seconds.

    Raises:
        UserError: If the service refuses the upload.
        InternalError: If the service has not confirmed it after 5 minutes.
    """
    end = clock() + PATIENCE
    fault: Error | None = None
    ask_only = False
    while True:
        try:
            if not ask_only:
                await send()
                return
        except Error as error:
            if not is_transient(error):
                with contextlib.suppress(Error):
                    if await is_complete():
                        return
                # An earlier attempt whose response was lost may be what this one conflicts with.
                ask_only = fault is not None and error.status_code in _IN_THE_WAY
                if not ask_only:
                    raise
            fault = error
        for pause in _PAUSES:
            await sleep(pause)
            if await _looks_complete(is_complete):
                return
            if fault is not None and clock() >= end:
                raise _unconfirmed(what, fault) from fault


async def _looks_complete(is_complete: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_complete()
    except Error as error:
        if not is_transient(error):
            raise
        return False


def _unconfirmed(what: str, fault: Error) -> InternalError:
    return InternalError(
        f"{what} was uploaded, but the service has not confirmed for {PATIENCE:.0f} s that it is"
        f" whole. It may be later: fetch it by its identifier before you upload it again. The last"
        f" answer: {fault}",
        status_code=fault.status_code,
        request_id=fault.request_id,
        url=fault.url,
        retry_after=fault.retry_after,
    )
