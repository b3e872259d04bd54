"""Internal methods of the official client that scripts use, with `public_api_pb2` messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from qai_hub.resources.dataset import Dataset
from qai_hub.resources.kinds import job_from_api
from qai_hub.resources.model import Model

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from qai_hub.owner import Owner
    from qai_hub.resources.job import Job, JobOwner

SourceModel: TypeAlias = Any
"""A model in memory, of PyTorch or ONNX, for annotations in scripts."""

TargetModel: TypeAlias = bytes
"""The content of a target model file, for annotations in scripts."""


def job_from_message(message: Message, owner: JobOwner) -> Job:
    """Creates the job for a `Job` message."""
    from qai_hub_api.models import Job as ApiJob

    from qai_hub.wire import to_json

    return job_from_api(ApiJob.from_dict(to_json(message)), owner)


def model_from_message(message: Message, owner: JobOwner, producer: Job | None) -> Model:
    """Creates the model for a `Model` message."""
    from qai_hub_api.models import Model as ApiModel

    from qai_hub.wire import to_json

    return Model._from_api(ApiModel.from_dict(to_json(message)), owner, producer)


def dataset_from_message(message: Message, owner: Owner) -> Dataset:
    """Creates the dataset for a `Dataset` message."""
    from qai_hub_api.models import Dataset as ApiDataset

    from qai_hub.wire import to_json

    return Dataset._from_api(ApiDataset.from_dict(to_json(message)), owner)
