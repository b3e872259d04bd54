"""The hub's web application: the contract's routes, the pages, and the edge around them."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from starlette.routing import Router
from starlette.types import ASGIApp

from qai_hub.local.api import make_handlers
from qai_hub.local.api.context import Services
from qai_hub.local.contract import routes
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.middleware import Edge, nothing_here
from qai_hub.local.server.pages import page_routes


def make_app(
    services: Services,
    hosts: Collection[str] | None,
    limits: ServerLimits,
    *,
    validate_responses: bool,
) -> ASGIApp:
    """Make the web application of a hub.

    Args:
        services: What its handlers work with.
        hosts: Host names that requests may be addressed to; None for any.
        limits: What it bears with.
        validate_responses: Answer 500 where an answer does not fit the contract.

    Returns:
        An ASGI application.

    Raises:
        ContractError: Handlers and contract do not fit together.
    """

    @asynccontextmanager
    async def lifespan(_: Router) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = limits.threads
        services.waiters.open()
        yield
        services.waiters.close()

    contract = services.contract
    api = routes(
        contract,
        make_handlers(services),
        services.accounts.authenticate,
        validate_responses=validate_responses,
    )
    router = Router(
        [*api, *page_routes(contract)],
        redirect_slashes=False,
        default=nothing_here,
        lifespan=lifespan,
    )
    return Edge(router, hosts, head_bytes=limits.head_bytes, stall_seconds=limits.stall_seconds)
