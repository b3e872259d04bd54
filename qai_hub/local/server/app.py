"""The hub's web application: the contract's routes, the pages, and the middleware around them."""

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
    """Create the web application of a hub.

    Args:
        services: What its handlers use.
        hosts: Host names that requests may be addressed to; None for any.
        limits: Limits on its connections.
        validate_responses: Whether a response that violates the contract is replaced by a 500.

    Returns:
        An ASGI application.

    Raises:
        ContractError: The handlers do not match the contract.
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
