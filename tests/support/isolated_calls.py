"""What calls in processes of their own do in tests; nothing here takes long to import."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.isolated import save_progress


def act(arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """End in one of several ways."""
    save_progress(folder, {"pid": os.getpid()})
    match arguments["how"]:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(600)
        case "memory":
            raise MemoryError
        case "raise":
            raise KeyError("unexpected")
        case "fail":
            raise JobFailure(FailureType.UNSUPPORTED, "The model has no legs.")
    return {"given": arguments, "pid": os.getpid()}
