"""What comes with an extra of this package, and may not be installed."""

import importlib
from types import ModuleType

from qai_hub.local.execution.failures import FailureType, JobFailure, resource_failure_of


def load_extra(module: str, extra: str, what: str) -> ModuleType:
    """Import a module that an extra brings.

    Args:
        module: Its name.
        extra: The extra.
        what: The models that it reads.

    Raises:
        JobFailure: It is not installed, or does not load.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if resource_failure_of(error):
            raise
        reason = (
            f"This hub has nothing that reads {what} ({error}): install it with pip install "
            f"'qai-hub-openapi[{extra}]' where the hub runs, and start the hub again."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason) from None
