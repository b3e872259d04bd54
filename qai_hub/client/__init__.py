"""The client: one method for each verb that users know."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from qai_hub.client.combined import CombinedVerbs
from qai_hub.client.find import DeviceVerbs
from qai_hub.client.iterate import IteratingVerbs
from qai_hub.client.submit import LinkVerbs, QuantizeVerbs
from qai_hub.client.submit_inference import ProfiledVerbs
from qai_hub.config import ClientConfig, load_config
from qai_hub.config.model import with_token
from qai_hub.errors import (
    Error,
    InternalError,
    InvalidValueError,
    RateLimitedError,
    UserError,
    warn_deprecated,
)
from qai_hub.official.client import CompatClient
from qai_hub.official.client import SourceModel as SourceModel
from qai_hub.official.client import TargetModel as TargetModel
from qai_hub.resources.compile import CompileJob
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework
from qai_hub.resources.inference import InferenceJob, ProfileJob
from qai_hub.resources.job import Job
from qai_hub.resources.link import LinkJob
from qai_hub.resources.model import Model, ModelMetadataKey, SourceModelType
from qai_hub.resources.payload import Notice, User
from qai_hub.resources.profile import Profile
from qai_hub.resources.profile_parts import ComputeUnitUse, Layer, MemoryRange, ProfilePhase
from qai_hub.resources.project import Project
from qai_hub.resources.quantize import QuantizeDtype, QuantizeJob
from qai_hub.resources.results import (
    CompileJobResult,
    InferenceJobResult,
    JobResult,
    LinkJobResult,
    ProfileJobResult,
    QuantizeJobResult,
)
from qai_hub.resources.summary import (
    CompileJobSummary,
    InferenceJobSummary,
    JobSummary,
    LinkJobSummary,
    ProfileJobSummary,
    QuantizeJobSummary,
)
from qai_hub.status import JobArtifactType, JobStatus, JobType
from qai_hub.tensors import DatasetEntries, InputSpecs, IOSpec, TensorSpec

if TYPE_CHECKING:
    from qai_hub.connection import Connection

T = TypeVar("T")


class Client(
    CombinedVerbs,
    ProfiledVerbs,
    QuantizeVerbs,
    LinkVerbs,
    IteratingVerbs,
    DeviceVerbs,
    CompatClient,
):
    """A client of one hub, as one user.

    It costs nothing to make: the configuration is read, and connections are made, when they are
    first needed. Clients of one configuration share their connections.

    Args:
        config: The configuration; None reads the environment and `~/.qai_hub/client.ini`.
        profile: Name of a profile to read instead: `~/.qai_hub/PROFILE.ini`.
        default_project_id: Project of what is uploaded and submitted, in place of the
            configuration's.
        client_mode: Whether a program or the command line asks.

    Raises:
        FileNotFoundError: If the profile does not exist.
        UserError: If the profile is not valid, or if both a configuration and a profile are given.

    Examples:
        >>> client = hub.Client(profile="local")
        >>> job = client.get_job(inference_job.job_id)
        >>> job.wait().success
        True
    """

    def __init__(
        self,
        config: ClientConfig | None = None,
        profile: str | None = None,
        default_project_id: str | None = None,
        client_mode: Literal["library", "cli"] = "library",
    ) -> None:
        if config is not None and profile is not None:
            raise InvalidValueError("Give config or profile, not both.")
        if not isinstance(config, ClientConfig | None):
            # It is not told: what stands here by mistake is a token.
            raise UserError(
                f"config takes a ClientConfig, such as ClientConfig(token), not a value of the type"
                f" {type(config).__name__}."
            )
        self._config = config if profile is None else load_config(profile)
        self._default_project_id = default_project_id
        self._client_mode = client_mode
        self._kept_connection: Connection | None = None

    @property
    def config(self) -> ClientConfig:
        """The configuration.

        Raises:
            UserError: If there is none, or it is not valid.
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
            verbose: Whether they do.

        Examples:
            >>> hub.set_verbose(False)
        """
        self._config = copy.copy(self.config)
        self._config.verbose = bool(verbose)

    def set_session_token(self, token: str) -> None:
        """Uses another API token from now on, without writing it anywhere.

        Where nothing is configured it is for the official service.

        Deprecated: make a `Client` with a `ClientConfig` of that token.

        Args:
            token: The token.

        Examples:
            >>> # Use this instead.
            >>> client = hub.Client(hub.ClientConfig("TOKEN"))
        """
        warn_deprecated(
            "set_session_token is deprecated: make a Client(ClientConfig(token)) of its own."
        )
        self._config = with_token(self._config, token)

    def close(self) -> None:
        """Closes the connections, which clients of the same configuration share.

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
        if kept is None or kept.config is not config:
            kept = self._kept_connection = Connection(config, self)
        return kept

    def _api_call(self, api_func: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
        """Calls a function with the configuration first; scripts wrap it to see all calls."""
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


__all__ = [
    "Client",
    "ClientConfig",
    "CompileJob",
    "CompileJobResult",
    "CompileJobSummary",
    "ComputeUnitUse",
    "Dataset",
    "DatasetEntries",
    "Device",
    "Error",
    "Framework",
    "IOSpec",
    "InferenceJob",
    "InferenceJobResult",
    "InferenceJobSummary",
    "InputSpecs",
    "InternalError",
    "Job",
    "JobArtifactType",
    "JobResult",
    "JobStatus",
    "JobSummary",
    "JobType",
    "Layer",
    "LinkJob",
    "LinkJobResult",
    "LinkJobSummary",
    "MemoryRange",
    "Model",
    "ModelMetadataKey",
    "Notice",
    "Profile",
    "ProfileJob",
    "ProfileJobResult",
    "ProfileJobSummary",
    "ProfilePhase",
    "Project",
    "QuantizeDtype",
    "QuantizeJob",
    "QuantizeJobResult",
    "QuantizeJobSummary",
    "RateLimitedError",
    "SourceModelType",
    "TensorSpec",
    "User",
    "UserError",
]
