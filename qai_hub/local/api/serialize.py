"""Users, models and datasets in the contract's JSON form."""

from collections.abc import Mapping, Sequence
from typing import Any

from qai_hub._version import __version__
from qai_hub.local.api.context import RequestContext
from qai_hub.local.store.records import Dataset, Model, Owned, User

Json = dict[str, Any]

HUB_VERSION = f"local {__version__}"
"""Release of the hub, as jobs and the health check report it."""


def user_json(user: User) -> Json:
    """Return a user as JSON, as other users see them."""
    return {"id": user.id, "first_name": "", "last_name": "", "email": user.email, "org_id": 0}


def own_user_json(user: User) -> Json:
    """Return a user as JSON, as they see themselves."""
    return user_json(user) | {
        "default_project_id": user.project_id,
        "default_project_slug": user.project_slug,
    }


def ownership_json(context: RequestContext, resource: Owned, kind: str) -> Json:
    """Return the owner of a resource and what the viewer may do with it, as JSON.

    Args:
        context: The request.
        resource: A model or dataset.
        kind: `MODEL` or `DATASET`, as in the names of permissions.

    Returns:
        Fields of the resource's JSON.
    """
    return {
        "owner": user_json(context.services.accounts.get_user(resource.owner_id)),
        "read_only": resource.owner_id != context.viewer.id,
        "actor_authorization": authorization_json(context, resource, kind),
        **project_json(context, resource),
    }


def authorization_json(context: RequestContext, resource: Owned, kind: str) -> Json:
    """Return what the viewer may do with a resource, as JSON."""
    rights = ["VIEW"] if resource.owner_id != context.viewer.id else ["VIEW", "UPDATE"]
    return {"permissions": [f"{kind}_CAN_{right}" for right in rights]}


def project_json(context: RequestContext, resource: Owned) -> Json:
    """Return the project that a resource belongs to, as JSON."""
    owner = context.services.accounts.get_user(resource.owner_id)
    return {"project_id": resource.project_id, "project_slug": owner.project_slug}


def model_json(context: RequestContext, model: Model, sha256: str | None = None) -> Json:
    """Return a model as JSON.

    Args:
        context: The request.
        model: The model.
        sha256: SHA-256 of its file in hex; None leaves it out.

    Returns:
        The model.
    """
    return omit_none(
        model_id=model.id,
        name=model.name,
        creation_time=model.created,
        model_type=model.model_type,
        file_upload_complete=model.file_id is not None,
        producer_id=model.producer_id,
        producer_attempt_number=model.producer_attempt,
        is_directory=model.is_directory,
        hidden=False,
        has_vizgraph=False,
        metadata=_metadata_json(context, model.metadata),
        input_spec=tensors_json(model.input_spec),
        output_spec=tensors_json(model.output_spec),
        sha256=sha256,
    ) | ownership_json(context, model, "MODEL")


def model_reference(key: str) -> Json:
    """Return a reference to a model that is gone or that the viewer may not see, as JSON."""
    return {"model_id": key}


def dataset_reference(key: str) -> Json:
    """Return a reference to a dataset that is gone or that the viewer may not see, as JSON."""
    return {"dataset_id": key}


def _metadata_json(context: RequestContext, metadata: Mapping[str, str] | None) -> Json | None:
    """Return the metadata of a target model as JSON, by the numbers of their keys."""
    if metadata is None:
        return None
    numbers = context.services.contract.enum_values("ModelMetadataKey")
    return {
        "entries": {
            str(numbers[f"MODEL_METADATA_KEY_{name}"]): text for name, text in metadata.items()
        }
    }


def dataset_json(context: RequestContext, dataset: Dataset, sha256: str | None = None) -> Json:
    """Return a dataset as JSON.

    Args:
        context: The request.
        dataset: The dataset.
        sha256: SHA-256 of its file in hex; None leaves it out.

    Returns:
        The dataset.
    """
    return omit_none(
        dataset_id=dataset.id,
        name=dataset.name,
        creation_time=dataset.created,
        expiration_time=dataset.expires,
        file_upload_complete=dataset.file_id is not None,
        permanent=dataset.expires is None,
        sha256=sha256,
    ) | ownership_json(context, dataset, "DATASET")


def tensors_json(types: Sequence[Mapping[str, Any]] | None) -> Json | None:
    """Return the inputs or outputs of a model as JSON; None if they are not known."""
    return None if types is None else {"types": types}


def omit_none(**values: Any) -> Json:  # noqa: ANN401 - JSON values
    """Return the values without those that are None: the contract has no nulls."""
    return {name: value for name, value in values.items() if value is not None}
