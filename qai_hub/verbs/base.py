"""What all groups of the client's methods build on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, cast

from qai_hub.errors import UserError
from qai_hub.projects import Project

if TYPE_CHECKING:
    from qai_hub.client import Client
    from qai_hub.config import ClientConfig
    from qai_hub.transport.api import Transport


class Verbs(ABC):
    """A group of the client's methods."""

    _default_project_id: str | None

    @property
    @abstractmethod
    def config(self) -> ClientConfig:
        """The configuration."""

    @property
    @abstractmethod
    def verbose(self) -> bool:
        """Whether waits and transfers show their progress."""

    @property
    @abstractmethod
    def _transport(self) -> Transport:
        """What sends the requests."""

    @property
    def _client(self) -> Client:
        return cast("Client", self)

    def _project_id(self, project: str | Project | None) -> str | None:
        """The project to use: the one given, else the client's, else the configuration's."""
        if not isinstance(project, str | Project | None):
            raise UserError(f"project takes a Project or its identifier, not {project!r}.")
        given = Project.get_project_id(project)
        return given or self._default_project_id or self.config.default_project
