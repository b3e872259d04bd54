"""What jobs, models and datasets know of the client that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from qai_hub.config import ClientConfig
    from qai_hub.connection import Connection


class Owner(Protocol):
    """Whom the objects of a hub belong to, which a client is."""

    @property
    def config(self) -> ClientConfig:
        """The configuration."""

    @property
    def verbose(self) -> bool:
        """Whether waits and transfers show their progress."""

    @property
    def _connection(self) -> Connection:
        """What carries requests and files."""
