"""What leaves something behind when it ends."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qai_hub.client import Client
    from qai_hub.jobs.status import JobStatus


class Ending(ABC):
    """Something on the hub that ends."""

    job_id: str
    _owner: Client

    @abstractmethod
    def wait(self, timeout: float | None = None) -> JobStatus:
        """Waits until it has ended."""
