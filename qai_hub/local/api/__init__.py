"""Handlers of the contract's operations, one module for each of its tags."""

from functools import partial

from qai_hub.local.api import datasets, jobs, models
from qai_hub.local.api import jobs as results
from qai_hub.local.api import lists as listing
from qai_hub.local.api import long_poll as waiting
from qai_hub.local.api import misc as devices
from qai_hub.local.api import misc as health
from qai_hub.local.api import misc as sharing
from qai_hub.local.api import misc as users
from qai_hub.local.api import submit as submission
from qai_hub.local.api import transfer as storage
from qai_hub.local.api.context import Carry, Services, reading, writing
from qai_hub.local.contract import Handler
from qai_hub.local.core.access import DATASET, JOB, MODEL

_READS: dict[str, Carry] = {
    "getUser": users.get_user,
    "listDevices": devices.list_devices,
    "listFrameworks": devices.list_frameworks,
    "listModels": listing.list_models,
    "listProjectModels": listing.list_models,
    "getModel": models.get_model,
    "getModelDownload": models.get_download,
    "getModelSharing": partial(sharing.get_sharing, MODEL),
    "listDatasets": listing.list_datasets,
    "getDataset": datasets.get_dataset,
    "getDatasetDownload": datasets.get_download,
    "getDatasetSharing": partial(sharing.get_sharing, DATASET),
    "listJobs": listing.list_jobs,
    "listProjectJobs": listing.list_jobs,
    "listJobSummaries": listing.list_summaries,
    "listProjectJobSummaries": listing.list_summaries,
    "getJobResult": results.get_result,
    "getCompiledModelDownload": results.get_compiled_model_download,
    "listJobArtifacts": results.list_artifacts,
    "getJobSharing": partial(sharing.get_sharing, JOB),
}

_WRITES: dict[str, Carry] = {
    "createModel": models.create_model,
    "createProjectModel": models.create_model,
    "updateModel": models.update_model,
    "deleteModel": models.delete_model,
    "startModelUpload": models.start_upload,
    "finishModelUpload": models.finish_upload,
    "completeModelUpload": models.complete_upload,
    "updateModelSharing": partial(sharing.update_sharing, MODEL),
    "deleteModelSharing": partial(sharing.delete_sharing, MODEL),
    "createDataset": datasets.create_dataset,
    "createProjectDataset": datasets.create_dataset,
    "updateDataset": datasets.update_dataset,
    "deleteDataset": datasets.delete_dataset,
    "startDatasetUpload": datasets.start_upload,
    "completeDatasetUpload": datasets.complete_upload,
    "updateDatasetSharing": partial(sharing.update_sharing, DATASET),
    "deleteDatasetSharing": partial(sharing.delete_sharing, DATASET),
    "createJob": submission.create_job,
    "createProjectJob": submission.create_job,
    "updateJob": jobs.update_job,
    "cancelJob": jobs.cancel_job,
    "updateJobSharing": partial(sharing.update_sharing, JOB),
    "deleteJobSharing": partial(sharing.delete_sharing, JOB),
}


def make_handlers(services: Services) -> dict[str, Handler]:
    """Return the handler of each operation, by operationId.

    Args:
        services: What the handlers use.

    Returns:
        The handlers.
    """
    return {
        **{name: reading(services, carry) for name, carry in _READS.items()},
        **{name: writing(services, carry) for name, carry in _WRITES.items()},
        "getHealth": partial(health.get_health, services),
        "logIn": partial(users.log_in, services),
        "getJob": partial(waiting.get_job, services),
        "uploadPart": partial(storage.upload_part, services),
        "uploadForm": partial(storage.upload_form, services),
        "downloadFile": partial(storage.download_file, services),
    }
