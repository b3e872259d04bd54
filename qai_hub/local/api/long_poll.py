"""The long poll: the response with a job is delayed until the job ends."""

import asyncio
import re
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request

from qai_hub.local.api import jobs
from qai_hub.local.api.context import Services, with_read_transaction
from qai_hub.local.contract import Call, Reply
from qai_hub.local.core.kinds import FINISHED_STATES

MAX_WAIT = 60
_WAIT = re.compile(r'wait\s*=\s*(?:"([0-9]+)"|([0-9]+))\s*(?:;.*)?', re.ASCII | re.IGNORECASE)


async def get_job(services: Services, call: Call) -> Reply:
    """Return a job; with `Prefer: wait=N`, as soon as it has ended, or after N seconds.

    If too many requests are waiting already, respond at once, without `Preference-Applied`.
    """
    respond = with_read_transaction(services, jobs.get_job)
    job_id = call.params["job_id"]
    seconds = parse_wait_preference(call.params.get("Prefer", ""))
    if seconds is None:
        return await respond(call)
    with services.waiters.register(job_id) as ended:
        reply = await respond(call)
        if ended is None and not _has_ended(reply):
            return reply
        if ended is not None and not _has_ended(reply):
            call.request.scope["long_poll"] = True
            await _wait(ended, seconds, call.request)
            # The token may have been revoked in the meantime.
            caller = await services.authenticate(call.request)
            call = replace(call, caller=caller)
            if ended.done():
                reply = await services.ended_jobs.read((job_id, caller.id), lambda: respond(call))
            else:
                reply = await respond(call)
    return Reply(reply.body, {"Preference-Applied": f"wait={seconds}"})


def parse_wait_preference(prefer: str) -> int | None:
    """Parse the preference to wait (RFC 7240).

    Args:
        prefer: The `Prefer` header.

    Returns:
        Seconds, at most `MAX_WAIT`; None if there is no such preference or it is malformed, as
        preferences may be ignored. The first of several counts.
    """
    for preference in prefer.split(","):
        match = _WAIT.fullmatch(preference.strip())
        if match is not None:
            digits = (match[1] or match[2]).lstrip("0") or "0"
            return MAX_WAIT if len(digits) > 3 else min(int(digits), MAX_WAIT)
    return None


def _has_ended(reply: Reply) -> bool:
    return any(
        detail["job_state"] in FINISHED_STATES
        for name, detail in reply.body.items()
        if name.endswith("_job")
    )


async def _wait(ended: "asyncio.Future[None]", seconds: float, request: Request) -> None:
    """Wait until a job has ended, the time is up, or the client has disconnected."""
    disconnected = asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait(
            {ended, disconnected}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if disconnected.done() and not ended.done():
            # The client has disconnected, or keeps sending a body that is not expected.
            disconnected.exception()
            raise ClientDisconnect
    finally:
        disconnected.cancel()


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
