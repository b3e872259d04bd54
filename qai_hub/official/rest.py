"""`public_rest_api`: API calls that take a configuration and return protobuf messages.

Scripts call them as `client._api_call(get_job, job_id)`. They raise the same errors as the client.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from qai_hub.config import ClientConfig
from qai_hub.errors import Error as APIException
from qai_hub.errors import UserError
from qai_hub.tensors import DatasetEntries, InputSpecs, IOSpec, TensorSpec
from qai_hub.transfer.s3 import s3_support_parameter

if TYPE_CHECKING:
    from qai_hub_api.models import JobTypeName

# A protobuf message. Its class is created at run time, so type checkers do not know its fields.
Message: TypeAlias = Any

__all__ = [
    "APIException",
    "ClientConfig",
    "DatasetEntries",
    "IOSpec",
    "InputSpecs",
    "SharedEntityType",
    "TensorSpec",
    "_get_compiled_model_download_details",
    "_get_dataset_download_response",
    "_get_model_download_response",
    "disable_sharing",
    "download_job_artifacts_info",
    "get_auth_user",
    "get_dataset",
    "get_dataset_list",
    "get_device_list",
    "get_framework_list",
    "get_job",
    "get_job_list",
    "get_job_results",
    "get_job_summary_list",
    "get_model",
    "get_model_list",
    "get_sharing",
    "modify_sharing",
    "set_job_name",
]


class SharedEntityType(Enum):
    """The kind of a resource that can be shared."""

    JOB = 0
    MODEL = 1
    DATASET = 2


def get_auth_user(config: ClientConfig) -> Message:
    """Returns the owner of the token, as a `User` message."""
    from qai_hub_api.api.users import get_user

    return _call(config, get_user.sync)


def get_device_list(
    config: ClientConfig,
    name: str = "",
    os: str = "",
    attributes: list[str] | None = None,
    select: bool = False,
) -> Message:
    """Returns the devices that match all given criteria, as a `DeviceList` message."""
    from qai_hub_api.api.devices import list_devices

    return _call(
        config, list_devices.sync, name=name, os=os, attributes=attributes or [], select=select
    )


def get_framework_list(config: ClientConfig) -> Message:
    """Returns the frameworks that jobs can request, as a `FrameworkList` message."""
    from qai_hub_api.api.devices import list_frameworks

    return _call(config, list_frameworks.sync)


def get_model(config: ClientConfig, model_id: str) -> Message:
    """Returns a model, as a `Model` message."""
    from qai_hub_api.api.models import get_model

    return _call(config, get_model.sync, model_id)


def get_model_list(
    config: ClientConfig,
    offset: int = 0,
    limit: int | None = None,
    producer_id: str | None = None,
    project_id: str | None = None,
) -> Message:
    """Returns one page of models, newest first, as a `ModelList` message."""
    from qai_hub_api.api.models import list_models
    from qai_hub_api.api.projects import list_project_models

    arguments = _drop_none(offset=offset, limit=limit, producer=producer_id)
    return _call_in_project(
        config, list_models.sync, list_project_models.sync, project_id, arguments
    )


def get_dataset(config: ClientConfig, dataset_id: str) -> Message:
    """Returns a dataset, as a `Dataset` message."""
    from qai_hub_api.api.datasets import get_dataset

    return _call(config, get_dataset.sync, dataset_id)


def get_dataset_list(config: ClientConfig, offset: int = 0, limit: int | None = None) -> Message:
    """Returns one page of datasets, newest first, as a `DatasetList` message."""
    from qai_hub_api.api.datasets import list_datasets

    return _call(config, list_datasets.sync, **_drop_none(offset=offset, limit=limit))


def get_job(config: ClientConfig, job_id: str) -> Message:
    """Returns a job, as a `Job` message."""
    from qai_hub_api.api.jobs import get_job

    return _call(config, get_job.sync, job_id)


def get_job_results(config: ClientConfig, job_id: str) -> Message:
    """Returns the results of a job, as a `JobResult` message."""
    from qai_hub_api.api.jobs import get_job_result

    return _call(config, get_job_result.sync, job_id)


def get_job_list(
    config: ClientConfig,
    offset: int = 0,
    limit: int | None = None,
    states: list[int] | None = None,
    job_type: int = 0,
    creator: str | None = None,
    project_id: str | None = None,
) -> Message:
    """Returns one page of jobs, newest first, as a `JobList` message."""
    from qai_hub_api.api.jobs import list_jobs
    from qai_hub_api.api.projects import list_project_jobs

    arguments = _build_job_filters(offset, limit, states, job_type, creator)
    return _call_in_project(config, list_jobs.sync, list_project_jobs.sync, project_id, arguments)


def get_job_summary_list(
    config: ClientConfig,
    offset: int = 0,
    limit: int | None = None,
    states: list[int] | None = None,
    job_type: int = 0,
    creator: str | None = None,
    project_id: str | None = None,
) -> Message:
    """Returns one page of job summaries, newest first, as a `JobSummaryList` message."""
    from qai_hub_api.api.jobs import list_job_summaries
    from qai_hub_api.api.projects import list_project_job_summaries

    arguments = _build_job_filters(offset, limit, states, job_type, creator)
    return _call_in_project(
        config, list_job_summaries.sync, list_project_job_summaries.sync, project_id, arguments
    )


def set_job_name(config: ClientConfig, job_id: str, job_name: str) -> Message:
    """Renames a job; returns a `CreateUpdateResponse` message."""
    from qai_hub_api.api.jobs import update_job
    from qai_hub_api.models import JobUpdate

    return _call(config, update_job.sync, job_id, body=JobUpdate(name=job_name))


def get_sharing(config: ClientConfig, entity_id: str, entity_type: SharedEntityType) -> Message:
    """Returns with whom a resource is shared, as a `SharedAccess` message."""
    return _call_sharing(config, "get", entity_type, entity_id)


def modify_sharing(
    config: ClientConfig,
    entity_id: str,
    entity_type: SharedEntityType,
    add_emails: list[str],
    delete_emails: list[str],
) -> Message:
    """Changes with whom a resource is shared; returns a `CreateUpdateResponse` message."""
    from qai_hub_api.models import SharingUpdate

    change = SharingUpdate(add_email=add_emails, remove_email=delete_emails)
    return _call_sharing(config, "update", entity_type, entity_id, body=change)


def disable_sharing(config: ClientConfig, entity_id: str, entity_type: SharedEntityType) -> Message:
    """Ends the sharing of a resource; returns a `CreateUpdateResponse` message."""
    return _call_sharing(config, "delete", entity_type, entity_id)


def download_job_artifacts_info(
    config: ClientConfig, job_id: str, artifact_type: int, attempt_number: int | None = None
) -> Message:
    """Returns URLs of a job's files of one type, as a `NamedArtifactDownloadURLList` message."""
    from qai_hub_api.api.jobs import list_job_artifacts

    attempt = "latest" if attempt_number is None else str(attempt_number)
    return _call(config, list_job_artifacts.sync, job_id, attempt, artifact_type)


def _get_model_download_response(config: ClientConfig, model_id: str) -> Message:
    """Returns how to download a model, as a `FileDownloadResponse` message."""
    from qai_hub_api.api.models import get_model_download

    return _call(
        config, get_model_download.sync, model_id, supports_s3_credentials=s3_support_parameter()
    )


def _get_dataset_download_response(config: ClientConfig, dataset_id: str) -> Message:
    """Returns how to download a dataset, as a `FileDownloadResponse` message."""
    from qai_hub_api.api.datasets import get_dataset_download

    return _call(
        config,
        get_dataset_download.sync,
        dataset_id,
        supports_s3_credentials=s3_support_parameter(),
    )


def _get_compiled_model_download_details(config: ClientConfig, job_id: str) -> Message:
    """Returns how to download the target model of a job, as a `FileDownloadResponse` message."""
    from qai_hub_api.api.jobs import get_compiled_model_download

    return _call(
        config,
        get_compiled_model_download.sync,
        job_id,
        supports_s3_credentials=s3_support_parameter(),
    )


def _call_in_project(
    config: ClientConfig,
    list_all: Callable[..., Any],
    list_in_project: Callable[..., Any],
    project_id: str | None,
    arguments: dict[str, Any],
) -> Message:
    """Requests a list of the resources of one project, or of all if the project is None."""
    if project_id is None:
        return _call(config, list_all, **arguments)
    return _call(config, list_in_project, project_id, **arguments)


def _call(
    config: ClientConfig,
    operation: Callable[..., Any],
    *args: Any,  # noqa: ANN401 - of the generated client
    **kwargs: Any,  # noqa: ANN401 - as above
) -> Message:
    """Calls an operation, and converts its response to a message."""
    from qai_hub.connection import call_operation
    from qai_hub.wire import parse

    answer = call_operation(config, operation, *args, **kwargs)
    return parse(f"qai_hub.api.{type(answer).__name__}", answer.to_dict())


def _drop_none(**arguments: object) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _build_job_filters(
    offset: int, limit: int | None, states: list[int] | None, job_type: int, creator: str | None
) -> dict[str, Any]:
    return _drop_none(
        offset=offset,
        limit=limit,
        state=",".join(map(str, states)) if states else None,
        type_=_get_job_type_name(job_type) if job_type else None,
        creator=creator,
    )


def _get_job_type_name(number: int) -> JobTypeName:
    """Returns the name that filters lists by a value of the enum `JobType`.

    Raises:
        UserError: If there is no such value.
    """
    from qai_hub_api.models import JobTypeName

    from qai_hub.wire.descriptor import PACKAGE, load_descriptor

    names = {
        value.number: value.name for value in load_descriptor().enums[f"{PACKAGE}.JobType"].value
    }
    if number not in names:
        raise UserError(
            f"Unknown job type {number}: it must be one of {', '.join(names.values())}."
        )
    return JobTypeName(names[number].removeprefix("JOB_TYPE_").lower())


def _call_sharing(
    config: ClientConfig,
    verb: str,
    entity_type: SharedEntityType,
    entity_id: str,
    **body: Any,  # noqa: ANN401 - of the generated client
) -> Message:
    """Reads or changes the sharing of a resource."""
    from qai_hub.resources.sharing import get_sharing_operation

    operation = get_sharing_operation(verb, entity_type.name.lower())
    return _call(config, operation, entity_id, **body)
