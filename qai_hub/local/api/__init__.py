"""Handlers of the contract's operations."""

from collections.abc import Mapping
from functools import partial

from qai_hub.local.api import (
    datasets,
    devices,
    health,
    jobs,
    lists,
    long_poll,
    models,
    sharing,
    submit,
    transfer,
    users,
)
from qai_hub.local.api.context import (
    OperationHandler,
    Services,
    with_read_transaction,
    with_write_transaction,
)
from qai_hub.local.api.quotas import with_rate
from qai_hub.local.contract import Handler
from qai_hub.local.core.access import DATASET, JOB, MODEL

_READS: dict[str, OperationHandler] = {
    "getUser": users.get_user,
    "listDevices": devices.list_devices,
    "listFrameworks": devices.list_frameworks,
    "listModels": lists.list_models,
    "listProjectModels": lists.list_models,
    "getModel": models.get_model,
    "getModelDownload": models.get_download,
    "getModelSharing": partial(sharing.get_sharing, MODEL),
    "listDatasets": lists.list_datasets,
    "getDataset": datasets.get_dataset,
    "getDatasetDownload": datasets.get_download,
    "getDatasetSharing": partial(sharing.get_sharing, DATASET),
    "listJobs": lists.list_jobs,
    "listProjectJobs": lists.list_jobs,
    "listJobSummaries": lists.list_summaries,
    "listProjectJobSummaries": lists.list_summaries,
    "getJobResult": jobs.get_result,
    "getCompiledModelDownload": jobs.get_compiled_model_download,
    "listJobArtifacts": jobs.list_artifacts,
    "getJobSharing": partial(sharing.get_sharing, JOB),
}

# The digest of a file may have to be computed first.
_MAY_WAIT = {
    "listModels",
    "listProjectModels",
    "getModel",
    "getModelDownload",
    "getDatasetDownload",
    "getCompiledModelDownload",
    "listJobArtifacts",
}

_WRITES: dict[str, OperationHandler] = {
    "createModel": with_rate(models.create_model),
    "createProjectModel": with_rate(models.create_model),
    "updateModel": models.update_model,
    "deleteModel": models.delete_model,
    "startModelUpload": models.start_upload,
    "finishModelUpload": models.finish_upload,
    "completeModelUpload": models.complete_upload,
    "updateModelSharing": partial(sharing.update_sharing, MODEL),
    "deleteModelSharing": partial(sharing.delete_sharing, MODEL),
    "createDataset": with_rate(datasets.create_dataset),
    "createProjectDataset": with_rate(datasets.create_dataset),
    "updateDataset": datasets.update_dataset,
    "deleteDataset": datasets.delete_dataset,
    "startDatasetUpload": datasets.start_upload,
    "completeDatasetUpload": datasets.complete_upload,
    "updateDatasetSharing": partial(sharing.update_sharing, DATASET),
    "deleteDatasetSharing": partial(sharing.delete_sharing, DATASET),
    "createJob": with_rate(submit.create_job),
    "createProjectJob": with_rate(submit.create_job),
    "updateJob": jobs.update_job,
    "cancelJob": jobs.cancel_job,
    "updateJobSharing": partial(sharing.update_sharing, JOB),
    "deleteJobSharing": partial(sharing.delete_sharing, JOB),
}

HANDLERS: Mapping[str, OperationHandler] = {**_READS, **_WRITES, "getJob": jobs.get_job}
"""The handlers that run within a transaction, by operationId."""


def build_handlers(services: Services) -> dict[str, Handler]:
    """Return the handler of each operation, by operationId.

    Args:
        services: What the handlers use.

    Returns:
        The handlers.
    """
    return {
        **{
            name: with_read_transaction(services, handle, is_quick=name not in _MAY_WAIT)
            for name, handle in _READS.items()
        },
        **{name: with_write_transaction(services, handle) for name, handle in _WRITES.items()},
        "getHealth": partial(health.get_health, services),
        "logIn": partial(users.log_in, services),
        "createSignInLink": partial(users.create_sign_in_link, services),
        "getJob": partial(long_poll.get_job, services),
        "uploadPart": partial(transfer.upload_part, services),
        "uploadForm": partial(transfer.upload_form, services),
        "downloadFile": partial(transfer.download_file, services),
    }
