"""The base of the client: a configuration and a connection to one hub."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from qai_hub.client.arguments import parse_project
from qai_hub.config import ClientConfig, load_config
from qai_hub.config.model import with_token
from qai_hub.errors import InvalidValueError, UserError, warn_deprecated

if TYPE_CHECKING:
    from qai_hub.connection import Connection
    from qai_hub.driver import BlockingDriver
    from qai_hub.resources.project import Project

T = TypeVar("T")


class BaseClient:
    """The base of a client of one hub, as one user: configuration, connection and verbosity."""

    _kept_connection: Connection | None = None

    def __init__(
        self,
        config: ClientConfig | None = None,
        profile: str | None = None,
        default_project_id: str | None = None,
        client_mode: Literal["library", "cli"] = "library",
    ) -> None:
        if config is not None and profile is not None:
            raise InvalidValueError("Pass either config or profile, not both.")
        if not isinstance(config, ClientConfig | None):
            # The value is left out of the message: what people pass here by mistake is a token.
            raise UserError(
                f"config must be a ClientConfig, such as ClientConfig(token), not"
                f" {type(config).__name__}."
            )
        self._config = config if profile is None else load_config(profile)
        self._default_project_id = default_project_id
        self._client_mode = client_mode

    @property
    def config(self) -> ClientConfig:
        """The configuration.

        Raises:
            UserError: If it is missing or not valid.
        """
        if self._config is None:
            self._config = load_config()
        return self._config

    @property
    def verbose(self) -> bool:
        """Whether waits and transfers show their progress."""
        return self.config.verbose

    def set_verbose(self, verbose: bool = True) -> None:
        """Sets whether waits and transfers show their progress.

        Args:
            verbose: Whether to show progress.

        Examples:
            >>> hub.set_verbose(False)
        """
        self._config = copy.copy(self.config)
        self._config.verbose = bool(verbose)

    def set_session_token(self, token: str) -> None:
        """Uses another API token from now on, without storing it in a file.

        If nothing is configured, the token is used with the official service.

        Deprecated: create a `Client` with a `ClientConfig` that holds the token.

        Args:
            token: The token.

        Examples:
            >>> # Use this instead.
            >>> client = hub.Client(hub.ClientConfig("TOKEN"))
        """
        warn_deprecated(
            "set_session_token is deprecated: create a Client(ClientConfig(token)) instead."
        )
        self._config = with_token(self._config, token)

    def close(self) -> None:
        """Closes the connections, which clients with the same configuration share.

        The next request opens new ones.

        Examples:
            >>> client.close()
        """
        if self._config is not None:
            self._connection.close()

    @property
    def _connection(self) -> Connection:
        from qai_hub.connection import Connection

        config, kept = self.config, self._kept_connection
        # A client that was copied has the connection of the original, which calls that one's hook.
        if kept is None or kept.config is not config or kept.caller is not self:
            kept = self._kept_connection = Connection(config, self)
        return kept

    @property
    def _driver(self) -> BlockingDriver:
        from qai_hub.driver import BlockingDriver

        return BlockingDriver(self._connection)

    def _api_call(self, api_func: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
        """Calls a function, configuration first; scripts wrap this method to observe all calls."""
        return api_func(self.config, *args, **kwargs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._config!r})" if self._config else "Client()"

    def _project_id(self, project: str | Project | None) -> str | None:
        """Returns the project to use: as given, else the client's, else the configuration's."""
        return parse_project(project) or self._default_project_id or self.config.default_project
