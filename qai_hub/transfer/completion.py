"""Saying that an upload is complete, until the service has taken it in.

To put a large file together takes a service longer than an answer may take, and the answer may be
lost. Then it is asked whether the file is whole: nobody uploads gigabytes again for a lost word.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable

from qai_hub.errors import Error, InternalError
from qai_hub.transport.errors import may_pass

__all__ = ["PATIENCE", "complete"]

PATIENCE = 300.0
"""Seconds after which an upload is given up whose completion is not confirmed."""

# Pauses before the looks that follow each try.
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)
# What is answered to a second try while the first is at work, or has done it.
_IN_THE_WAY = frozenset({404, 409})


async def complete(
    send: Callable[[], Awaitable[object]],
    is_complete: Callable[[], Awaitable[bool]],
    what: str,
    *,
    sleep: Callable[[float], Awaitable[object]],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Says that an upload is complete.

    Args:
        send: Says so. Services take it more than once.
        is_complete: Asks whether the service has the whole file.
        what: What was uploaded, such as `"Model mabc"`.
        sleep: Sleeps for some seconds.
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
            if not may_pass(error):
                with contextlib.suppress(Error):
                    if await is_complete():
                        return
                # A try whose answer was lost may be what stands in the way of the next one.
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
        if not may_pass(error):
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
