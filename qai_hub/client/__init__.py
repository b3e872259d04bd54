"""The client: one method for each operation that users call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.client.signatures import TypedClient
from qai_hub.config import ClientConfig
from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.official.client import SourceModel as SourceModel
from qai_hub.official.client import TargetModel as TargetModel
from qai_hub.official.client import dataset_from_message, job_from_message, model_from_message
from qai_hub.resources.compile import CompileJob, CompileJobResult, CompileJobSummary
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework
from qai_hub.resources.inference import (
    InferenceJob,
    InferenceJobResult,
    InferenceJobSummary,
    ProfileJob,
    ProfileJobResult,
    ProfileJobSummary,
)
from qai_hub.resources.job import Job
from qai_hub.resources.layer_accuracy import (
    LayerAccuracy,
    LayerAccuracyReport,
    MixedPrecisionLayer,
    MixedPrecisionProposal,
)
from qai_hub.resources.link import LinkJob, LinkJobResult, LinkJobSummary
from qai_hub.resources.model import Model
from qai_hub.resources.model_types import ModelMetadataKey, SourceModelType
from qai_hub.resources.payload import Notice, User
from qai_hub.resources.profile import Profile
from qai_hub.resources.profile_parts import ComputeUnitUse, Layer, MemoryRange, ProfilePhase
from qai_hub.resources.project import Project
from qai_hub.resources.quantize import (
    QuantizeDtype,
    QuantizeJob,
    QuantizeJobResult,
    QuantizeJobSummary,
)
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.status import JobArtifactType, JobStatus, JobType
from qai_hub.tensors import DatasetEntries, InputSpecs, IOSpec, TensorSpec

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Client(TypedClient):
    """A client of one hub, as one user.

    Creating a client costs nothing: it reads the configuration and opens connections when they are
    first needed. Clients with the same configuration share connections.

    Args:
        config: The configuration; None reads it from the environment and `~/.qai_hub/client.ini`.
        profile: Name of a profile to read instead, from `~/.qai_hub/PROFILE.ini`.
        default_project_id: Project of uploads and jobs; overrides the configuration's.
        client_mode: Whether requests come from a program or from the command line.

    Raises:
        FileNotFoundError: If the profile does not exist.
        UserError: If the profile is not valid, or if both a configuration and a profile are given.

    Examples:
        >>> client = hub.Client(profile="local")
        >>> job = client.get_job(inference_job.job_id)
        >>> job.wait().success
        True
    """

    # Private methods of the official client that scripts call.

    def _make_job(self, job_pb: Message) -> Job:
        return job_from_message(job_pb, self)

    def _make_model(
        self,
        model_pb: Message,
        model: SourceModel | None = None,
        producer: Job | None = None,
    ) -> Model:
        made = model_from_message(model_pb, self, producer)
        made.model = model
        return made

    def _make_dataset(self, dataset_pb: Message, data: DatasetEntries | None = None) -> Dataset:
        made = dataset_from_message(dataset_pb, self)
        made.data = data
        return made


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
    "LayerAccuracy",
    "LayerAccuracyReport",
    "LinkJob",
    "LinkJobResult",
    "LinkJobSummary",
    "MemoryRange",
    "MixedPrecisionLayer",
    "MixedPrecisionProposal",
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
