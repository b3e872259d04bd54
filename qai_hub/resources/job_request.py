"""Requests that create jobs, and what their builders in each job type's module share."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.resources.dataset import Dataset
    from qai_hub.resources.model import Model


class JobRequest(NamedTuple):
    """A request that creates a job.

    Attributes:
        body: Body of the request.
        name: Display name of the job; if empty, the service chooses one.
        attributes: Attributes of the job that are known from the request, by name.
    """

    body: api.JobSubmit
    name: str
    attributes: dict[str, Any]


def model_reference(model: Model) -> api.ModelReference:
    """Refers to a model in the body of a request."""
    from qai_hub_api.models import ModelReference

    return ModelReference(model_id=model.model_id)


def dataset_reference(dataset: Dataset | None) -> Any:  # noqa: ANN401 (a reference, or unset)
    """Refers to a dataset in the body of a request; unset for None."""
    from qai_hub_api.models import DatasetReference
    from qai_hub_api.types import UNSET

    return DatasetReference(dataset_id=dataset.dataset_id) if dataset else UNSET


# A job is kept and pickled for longer than a model or data in memory, which may be large, and which
# not everything can pickle.


def model_attribute(model: Model) -> Model:
    """Copies a model for an attribute of a job, without the model in memory."""
    copied = copy.copy(model)
    copied.model = None
    return copied


def dataset_attribute(dataset: Dataset | None) -> Dataset | None:
    """Copies a dataset for an attribute of a job, without the data in memory."""
    if dataset is None:
        return None
    copied = copy.copy(dataset)
    copied.data = None
    return copied
