"""What scripts use of the inside of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from qai_hub.resources.dataset import Dataset
from qai_hub.resources.kinds import job_from_api
from qai_hub.resources.model import Model

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from qai_hub.client import Client
    from qai_hub.resources.job import Job
    from qai_hub.tensors import DatasetEntries

SourceModel: TypeAlias = Any
"""A model in memory, as scripts annotate it: of PyTorch or ONNX."""

TargetModel: TypeAlias = bytes
"""The file of a target model, as scripts annotate it."""


class CompatClient:
    """The inner methods of a client that scripts call: they take messages of `public_api_pb2`."""

    def _make_job(self, job_pb: Message) -> Job:
        from qai_hub_api.models import Job as ApiJob

        from qai_hub.wire import to_json

        return job_from_api(ApiJob.from_dict(to_json(job_pb)), self._as_client)

    def _make_model(
        self,
        model_pb: Message,
        model: SourceModel | None = None,
        producer: Job | None = None,
    ) -> Model:
        from qai_hub_api.models import Model as ApiModel

        from qai_hub.wire import to_json

        made = Model._from_api(ApiModel.from_dict(to_json(model_pb)), self._as_client, producer)
        made.model = model
        return made

    def _make_dataset(self, dataset_pb: Message, data: DatasetEntries | None = None) -> Dataset:
        from qai_hub_api.models import Dataset as ApiDataset

        from qai_hub.wire import to_json

        made = Dataset._from_api(ApiDataset.from_dict(to_json(dataset_pb)), self._as_client)
        made.data = data
        return made

    @property
    def _as_client(self) -> Client:
        return cast("Client", self)
