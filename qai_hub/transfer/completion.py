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

__all__ = ["CONFIRMATION_TIMEOUT", "complete_upload"]

CONFIRMATION_TIMEOUT = 300.0
"""Seconds to wait for the service to confirm a completed upload."""

# Seconds to pause before each status check that follows an attempt.
_CHECK_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
# Statuses of a repeated attempt when the first one is still running or has succeeded.
_CONFLICT_STATUSES = frozenset({404, 409})


async def complete_upload(
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
    end = clock() + CONFIRMATION_TIMEOUT
    fault: Error | None = None
    check_only = False
    while True:
        try:
            if not check_only:
                await send()
                return
        except Error as error:
            if not is_transient(error):
                with contextlib.suppress(Error):
                    if await is_complete():
                        return
                # An earlier attempt whose response was lost may be what this one conflicts with.
                check_only = fault is not None and error.status_code in _CONFLICT_STATUSES
                if not check_only:
                    raise
            fault = error
        for pause in _CHECK_PAUSES:
            await sleep(pause)
            if await _is_confirmed(is_complete):
                return
            if fault is not None and clock() >= end:
                raise _unconfirmed_error(what, fault) from fault


async def _is_confirmed(is_complete: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_complete()
    except Error as error:
        if not is_transient(error):
            raise
        return False


def _unconfirmed_error(what: str, fault: Error) -> InternalError:
    return InternalError(
        f"{what} was uploaded, but the service has not confirmed within {CONFIRMATION_TIMEOUT:.0f}"
        " s that it is complete. It may do so later: fetch it by its identifier before you upload"
        f" it again. The last error: {fault}",
        status_code=fault.status_code,
        request_id=fault.request_id,
        url=fault.url,
        retry_after=fault.retry_after,
    )
