"""The client: one method for each operation that users call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.coexistence import describe_foreign_package

# Nothing below could be imported among files of the official client.
if _problem := describe_foreign_package():
    raise ImportError(_problem)

from qai_hub.client.signatures import TypedClient
from qai_hub.config import ClientConfig
from qai_hub.errors import Error, InternalError, RateLimitedError, UserError
from qai_hub.official.client import SourceModel as SourceModel
from qai_hub.official.client import TargetModel as TargetModel
from qai_hub.official.client import dataset_from_message, job_from_message, model_from_message
from qai_hub.resources import kinds
from qai_hub.resources.dataset import Dataset
from qai_hub.resources.device import Device, Framework
from qai_hub.resources.job import Job
from qai_hub.resources.kinds import *  # noqa: F403 - what it exports are the classes of job types
from qai_hub.resources.model import Model
from qai_hub.resources.model_types import ModelMetadataKey, SourceModelType
from qai_hub.resources.payload import Notice, User
from qai_hub.resources.project import Project
from qai_hub.resources.results import JobResult
from qai_hub.resources.summary import JobSummary
from qai_hub.status import JobArtifactType, JobStatus, JobType
from qai_hub.tensors import DatasetEntries, DatasetSamples, InputSpecs, IOSpec, TensorSpec

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from qai_hub.dataset_reader import DatasetReader
    from qai_hub.resources.job_lock import JobLock, LockReplay
    from qai_hub.resources.layer_accuracy import (
        LayerAccuracy,
        LayerAccuracyReport,
        MixedPrecisionLayer,
        MixedPrecisionProposal,
    )
    from qai_hub.resources.lock_comparison import LockDifference
    from qai_hub.resources.locked_job import LockedFile, LockedJob
    from qai_hub.resources.model_check import ModelCheck, NodeCheck
    from qai_hub.resources.profile import Profile
    from qai_hub.resources.profile_parts import ComputeUnitUse, Layer, MemoryRange, ProfilePhase
    from qai_hub.resources.target_check import TargetCheck, TargetCheckOutput, TargetCheckSlice
    from qai_hub.resources.tensor_ranges import QuantizedTensor, TensorRangeReport
else:
    # What only some scripts use is imported when it is first used, by module.
    _LATER = {
        "dataset_reader": ("DatasetReader",),
        "resources.job_lock": ("JobLock", "LockReplay"),
        "resources.layer_accuracy": (
            "LayerAccuracy",
            "LayerAccuracyReport",
            "MixedPrecisionLayer",
            "MixedPrecisionProposal",
        ),
        "resources.lock_comparison": ("LockDifference",),
        "resources.locked_job": ("LockedFile", "LockedJob"),
        "resources.model_check": ("ModelCheck", "NodeCheck"),
        "resources.profile": ("Profile",),
        "resources.profile_parts": ("ComputeUnitUse", "Layer", "MemoryRange", "ProfilePhase"),
        "resources.target_check": ("TargetCheck", "TargetCheckOutput", "TargetCheckSlice"),
        "resources.tensor_ranges": ("QuantizedTensor", "TensorRangeReport"),
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for module, names in _LATER.items():
            if name in names:
                value = getattr(import_module(f"qai_hub.{module}"), name)
                return globals().setdefault(name, value)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
        created = model_from_message(model_pb, self, producer)
        created.model = model
        return created

    def _make_dataset(self, dataset_pb: Message, data: DatasetEntries | None = None) -> Dataset:
        created = dataset_from_message(dataset_pb, self)
        created.data = data
        return created


__all__ = [
    "Client",
    "ClientConfig",
    "ComputeUnitUse",
    "Dataset",
    "DatasetEntries",
    "DatasetReader",
    "DatasetSamples",
    "Device",
    "Error",
    "Framework",
    "IOSpec",
    "InputSpecs",
    "InternalError",
    "Job",
    "JobArtifactType",
    "JobLock",
    "JobResult",
    "JobStatus",
    "JobSummary",
    "JobType",
    "Layer",
    "LayerAccuracy",
    "LayerAccuracyReport",
    "LockDifference",
    "LockReplay",
    "LockedFile",
    "LockedJob",
    "MemoryRange",
    "MixedPrecisionLayer",
    "MixedPrecisionProposal",
    "Model",
    "ModelCheck",
    "ModelMetadataKey",
    "NodeCheck",
    "Notice",
    "Profile",
    "ProfilePhase",
    "Project",
    "QuantizedTensor",
    "RateLimitedError",
    "SourceModelType",
    "TargetCheck",
    "TargetCheckOutput",
    "TargetCheckSlice",
    "TensorRangeReport",
    "TensorSpec",
    "User",
    "UserError",
]
__all__ += kinds.__all__
