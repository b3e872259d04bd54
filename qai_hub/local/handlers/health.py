"""Whether the hub is well, for what watches over it."""

import asyncio

from anyio.to_thread import run_sync
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from qai_hub.local.contract import Call, Reply
from qai_hub.local.problems import ProblemError
from qai_hub.local.services import Services

_SECONDS = 5.0


async def get_health(services: Services, call: Call) -> Reply:
    """Tell whether the database answers."""

    def ask() -> None:
        with services.store.read() as db:
            db.execute(text("SELECT 1 FROM settings")).first()

    try:
        async with asyncio.timeout(_SECONDS):
            await run_sync(ask, abandon_on_cancel=True)
    except TimeoutError:
        raise ProblemError(503, "The database of this hub does not answer in time.") from None
    except SQLAlchemyError as error:
        raise ProblemError(503, "The database of this hub cannot be read.") from error
    return Reply({"status": "ok"}, {"Cache-Control": "no-store"})
