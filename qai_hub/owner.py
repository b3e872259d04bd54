"""The owner of jobs, models and datasets: what these use of the client that made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qai_hub.config import ClientConfig
    from qai_hub.connection import Connection


class Owner(Protocol):
    """The owner of a hub's objects; every client is one."""

    @property
    def config(self) -> ClientConfig:
        """The configuration."""

    @property
    def verbose(self) -> bool:
        """Whether waits and transfers show their progress."""

    @property
    def _connection(self) -> Connection:
        """The connection for requests and file transfers."""
