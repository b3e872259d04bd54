"""Reads a file in a worker, and tells what is in it.

Names that a file has are shortened here, and lists cut off, so that no file can fill a page.
"""

from pathlib import Path

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import AttemptRequest, Report


def inspect_file(request: AttemptRequest, folder: Path) -> Report:
    """Tell what is in a model or a dataset, or how two datasets differ.

    Args:
        request: The request: a model, or a dataset, and with it another to compare it with.
        folder: The attempt's folder, which stays as it is.

    Returns:
        A report whose result is what the file has.

    Raises:
        JobFailure: The file cannot be read.
    """
    try:
        if request.dataset is None:
            from qai_hub.local.engine.inspection.models import inspect_model

            return Report(result=inspect_model(request.model))
        if request.reference is None:
            from qai_hub.local.engine.inspection.datasets import inspect_dataset

            return Report(result=inspect_dataset(request.dataset))
        from qai_hub.local.engine.inspection.differences import compare_datasets

        return Report(result=compare_datasets(request.dataset, request.reference))
    except ModuleNotFoundError as error:
        reason = (
            f"Reading it needs {error.name} on the machine of the hub: "
            "pip install 'qai-hub-openapi[local]'."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from None
