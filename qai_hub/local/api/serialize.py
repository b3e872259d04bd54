"""Users, models and datasets as the contract writes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from qai_hub.local.api.context import Work
from qai_hub.local.store.records import Dataset, Model, Owned, User

Json = dict[str, Any]


def user_json(user: User) -> Json:
    """Write a person as others see them."""
    return {"id": user.id, "first_name": "", "last_name": "", "email": user.email, "org_id": 0}


def own_user_json(user: User) -> Json:
    """Write a person as they see themselves."""
    return user_json(user) | {
        "default_project_id": user.project_id,
        "default_project_slug": user.project_slug,
    }


def ownership(work: Work, thing: Owned, kind: str) -> Json:
    """Write whose something is, and what the viewer may do with it.

    Args:
        work: The request.
        thing: A model or dataset.
        kind: `MODEL` or `DATASET`, as in the names of permissions.

    Returns:
        Fields of its JSON.
    """
    return {
        "owner": user_json(work.services.accounts.user(thing.owner_id)),
        "read_only": thing.owner_id != work.viewer.id,
        "actor_authorization": authorization(work, thing, kind),
        **project(work, thing),
    }


def authorization(work: Work, thing: Owned, kind: str) -> Json:
    """Write what the viewer may do."""
    rights = ["VIEW"] if thing.owner_id != work.viewer.id else ["VIEW", "UPDATE"]
    return {"permissions": [f"{kind}_CAN_{right}" for right in rights]}


def project(work: Work, thing: Owned) -> Json:
    """Write the project that something belongs to."""
    owner = work.services.accounts.user(thing.owner_id)
    return {"project_id": thing.project_id, "project_slug": owner.project_slug}


def model_json(work: Work, model: Model) -> Json:
    """Write a model."""
    return present(
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
        metadata=_metadata(work, model.metadata),
        input_spec=tensors_json(model.input_spec),
        output_spec=tensors_json(model.output_spec),
    ) | ownership(work, model, "MODEL")


def model_reference(key: str) -> Json:
    """Write a model that the viewer may not see, or that is gone, within another thing."""
    return {"model_id": key}


def dataset_reference(key: str) -> Json:
    """Write a dataset that the viewer may not see, or that is gone, within another thing."""
    return {"dataset_id": key}


def _metadata(work: Work, facts: Mapping[str, str] | None) -> Json | None:
    """Write facts about a target model, by the numbers that stand for their names."""
    if facts is None:
        return None
    numbers = work.services.contract.enum("ModelMetadataKey")
    return {
        "entries": {
            str(numbers[f"MODEL_METADATA_KEY_{name}"]): text for name, text in facts.items()
        }
    }


def dataset_json(work: Work, dataset: Dataset) -> Json:
    """Write a dataset."""
    return present(
        dataset_id=dataset.id,
        name=dataset.name,
        creation_time=dataset.created,
        expiration_time=dataset.expires,
        file_upload_complete=dataset.file_id is not None,
        permanent=dataset.expires is None,
    ) | ownership(work, dataset, "DATASET")


def tensors_json(types: Sequence[Mapping[str, Any]] | None) -> Json | None:
    """Write the inputs or outputs of a model, where they are known."""
    return None if types is None else {"types": types}


def present(**values: Any) -> Json:  # noqa: ANN401 - JSON values
    """Leave out what is absent: the contract has no nulls."""
    return {name: value for name, value in values.items() if value is not None}
