"""Handler of the health check."""

import asyncio

from anyio.to_thread import run_sync
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from qai_hub.local.api.context import Services
from qai_hub.local.api.serialize import HUB_VERSION
from qai_hub.local.contract import Call, Reply
from qai_hub.local.errors import ProblemError
from qai_hub.local.store.dialect import DatabaseUnavailableError

_HEALTH_TIMEOUT = 5.0


async def get_health(services: Services, call: Call) -> Reply:
    """Report whether the database responds, and the release."""

    def query() -> None:
        with services.store.read() as db:
            db.execute(text("SELECT 1 FROM settings")).first()

    try:
        async with asyncio.timeout(_HEALTH_TIMEOUT):
            await run_sync(query, abandon_on_cancel=True)
    except TimeoutError:
        raise ProblemError(503, "The database of this hub did not respond in time.") from None
    except (SQLAlchemyError, DatabaseUnavailableError) as error:
        raise ProblemError(503, "The database of this hub cannot be read.") from error
    return Reply({"status": "ok", "version": HUB_VERSION}, {"Cache-Control": "no-store"})
