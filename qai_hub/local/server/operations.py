"""What operators ask of a process: its parts, and the server of a process that has no other."""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from starlette.routing import Route, Router

from qai_hub.local.config import HubConfig
from qai_hub.local.core.parts import Parts
from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.core.readiness import ReadinessCheck
from qai_hub.local.limits import ServerLimits
from qai_hub.local.server.middleware import OuterMiddleware, not_found
from qai_hub.local.server.probes import probe_routes
from qai_hub.local.server.run import ServerThread, allowed_hosts, listen, server_url

if TYPE_CHECKING:
    from qai_hub.local.server.metrics import Metrics

_PROBE_LIMITS = ServerLimits(connections=32, refusals=8, waits=0, threads=4)


class Operations:
    """The probes of a process, and its metrics if they are on.

    Args:
        config: The hub's configuration.
        parts: The parts of the process.
        pools: The queue, and the processes that take jobs from it.

    Attributes:
        metrics: The metrics; None if they are off.
        routes: The routes of the probes, for Starlette.

    Raises:
        ValueError: Metrics are on, but their library is not installed.
    """

    metrics: "Metrics | None"
    routes: Sequence[Route]

    def __init__(self, config: HubConfig, parts: Parts, pools: PoolWatch) -> None:
        self.metrics = None
        if config.metrics:
            if find_spec("prometheus_client") is None:
                raise ValueError(
                    "metrics need prometheus-client: run `pip install 'qai-hub-openapi[metrics]'`"
                )
            from qai_hub.local.server.metrics import Metrics

            self.metrics = Metrics(parts.store, pools, parts.clock)
        check = ReadinessCheck(parts.store, parts.storage, pools)
        self.routes = probe_routes(check, None if self.metrics is None else self.metrics.render)


def serve_operations(config: HubConfig, parts: Parts, pools: PoolWatch, stack: ExitStack) -> str:
    """Serve the probes and metrics of a process that answers no other requests.

    Args:
        config: The hub's configuration.
        parts: The parts of the process.
        pools: The queue, and the processes that take jobs from it.
        stack: Collects the callbacks that stop the server.

    Returns:
        The URL at which they are served.

    Raises:
        ListenError: The address is not available.
        ValueError: The library of metrics is not installed.
    """
    listener = stack.enter_context(listen(config.host, config.port))
    operations = Operations(config, parts, pools)
    router = Router(operations.routes, redirect_slashes=False, default=not_found)
    hosts = allowed_hosts(config.host, config.allowed_hosts)
    server = ServerThread(
        OuterMiddleware(router, hosts), listener, lambda: None, config.limits or _PROBE_LIMITS
    )
    server.start()
    stack.callback(server.stop)
    return server_url(config.host, listener)
