"""What all groups of the client's methods build on."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from qai_hub.errors import Error, UserError
from qai_hub.resources.project import Project
from qai_hub.transport.values import identified

if TYPE_CHECKING:
    from collections.abc import Callable

    from qai_hub_api.types import Response

    from qai_hub.client import Client
    from qai_hub.client.pages import Place
    from qai_hub.config import ClientConfig
    from qai_hub.connection import Connection


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
    def _connection(self) -> Connection:
        """What sends the requests."""

    @property
    def _client(self) -> Client:
        return cast("Client", self)

    def _project_id(self, project: str | Project | None) -> str | None:
        """The project to use: the one given, else the client's, else the configuration's."""
        return project_filter(project) or self._default_project_id or self.config.default_project

    def _lister(
        self,
        everywhere: Any,  # noqa: ANN401 (modules of the generated client, one an operation)
        in_project: Any,  # noqa: ANN401 (as above)
        project: str | Project | None,
        filters: dict[str, Any],
    ) -> Callable[[Place, int], tuple[Any, str | None]]:
        """What fetches one page of a list: its payload, and where the next page begins."""
        from qai_hub_api.types import UNSET

        from qai_hub.transport.values import next_cursor

        project_id = project_filter(project)
        listing = everywhere if project_id is None else in_project
        path = () if project_id is None else (project_id,)

        def fetch(place: Place, limit: int) -> tuple[Any, str | None]:
            answer: Response[Any] = self._connection.call(
                listing.sync_detailed,
                *path,
                offset=place.offset,
                limit=limit,
                cursor=place.cursor or UNSET,
                **filters,
            )
            return answer.parsed, next_cursor(answer.headers)

        return fetch


@contextmanager
def naming(made: str) -> Iterator[None]:
    """Adds a note to errors: what was made before.

    Args:
        made: What it is, such as `"Model mabc"`.
    """
    try:
        yield
    except Error as error:
        error.add_note(f"{made} was made before that.")
        raise


def identifier(argument: str, given: object) -> str:
    """Checks an identifier, which becomes a part of an address: `..` would lead elsewhere.

    Args:
        argument: What it is called.
        given: The identifier.

    Returns:
        The same.

    Raises:
        UserError: If it is none.
    """
    if not isinstance(given, str) or not identified(given):
        raise UserError(f"{argument} takes an identifier as it stands in URLs, not {given!r:.100}.")
    return given


def project_filter(project: str | Project | None) -> str | None:
    """The identifier of the project that a list is about; None for all projects.

    Raises:
        UserError: If something else is given.
    """
    if not isinstance(project, str | Project | None):
        raise UserError(f"project takes a Project or its identifier, not {project!r}.")
    given = Project.get_project_id(project)
    return identifier("project", given) if given else None


# The contract's limit of one page.
LARGEST_PAGE = 1000


def whole_number(argument: str, given: object, least: int, most: int | None = None) -> int:
    """Checks a whole number, of Python or of numpy.

    Args:
        argument: What it is called.
        given: The number.
        least: The smallest that is allowed.
        most: The largest that is allowed; None for no bound.

    Returns:
        The number.

    Raises:
        UserError: If it is another one, or no whole number.
    """
    try:
        number = None if isinstance(given, bool) else operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"{argument} is a whole number {bounds}, not {given!r}.")
    return number
