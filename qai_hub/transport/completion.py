"""Saying that an upload is complete, until the service has taken it in.

To put a large file together takes a service longer than an answer may take, and the answer may be
lost. Then it is asked whether the file is whole: nobody uploads gigabytes again for a lost word.
"""

import contextlib
import time
from collections.abc import Callable

from qai_hub.errors import Error, InternalError
from qai_hub.transport.failures import may_pass

__all__ = ["PATIENCE", "complete"]

PATIENCE = 300.0
"""Seconds after which an upload is given up whose completion is not confirmed."""

# Pauses before the looks that follow each try.
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0)


def complete(
    send: Callable[[], object],
    is_complete: Callable[[], bool],
    what: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Says that an upload is complete.

    Args:
        send: Says so. Services take it more than once.
        is_complete: Asks whether the service has the whole file.
        what: What was uploaded, such as `"Model mabc"`.
        clock: Monotonic clock, in seconds.
        sleep: Sleeps for some seconds.

    Raises:
        UserError: If the service refuses the upload.
        InternalError: If the service has not confirmed it after 5 minutes.
    """
    end = clock() + PATIENCE
    while True:
        try:
            send()
        except Error as error:
            if not may_pass(error):
                # What was completed by a try whose answer was lost may be refused the second time.
                with contextlib.suppress(Error):
                    if is_complete():
                        return
                raise
            fault = error
        else:
            return
        for pause in _PAUSES:
            sleep(pause)
            if _looks_complete(is_complete):
                return
            if clock() >= end:
                raise _unconfirmed(what, fault) from fault


def _looks_complete(is_complete: Callable[[], bool]) -> bool:
    try:
        return is_complete()
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
