"""Failures of jobs, and the detection of errors caused by a lack of memory or disk space."""

import errno
import re
from collections.abc import Iterable

from qai_hub.local.engines.catalog import Engine
from qai_hub.local.enums import FailureType as FailureType  # noqa: PLC0414 - passed on

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class JobFailure(Exception):  # noqa: N818 - a job's failure is an outcome, not an error of the hub
    """Ends the current job as failed.

    Args:
        failure_type: Class of the cause.
        reason: What went wrong and what the user can do about it.
        lacks: The extra that this machine lacks, and with which another may run the job.
    """

    def __init__(self, failure_type: FailureType, reason: str, *, lacks: str = "") -> None:
        super().__init__(reason)
        self.failure_type = failure_type
        self.lacks = lacks
        # Reasons quote content of models and datasets, which may include terminal escape sequences.
        self.reason = _CONTROL_CHARACTERS.sub(" ", reason)


def missing_engine(engine: Engine) -> JobFailure:
    """Return the failure of a job that needs an engine which is not installed."""
    reason = (
        f"This hub lacks the engine {engine.name}: run `{engine.install_command}` where the hub "
        "runs, and submit the job again."
    )
    return JobFailure(FailureType.UNSUPPORTED, reason, lacks=engine.label)


# Native libraries report both as text only.
_OUT_OF_MEMORY_SIGNS = (
    "bad_alloc",
    "Failed to allocate memory",
    "Cannot allocate memory",
    # Of Python: the stack of a thread needs memory, too.
    "can't start new thread",
    "Memory allocation still failed",
    "failed to map segment from shared object",
    "pthread_create failed",
    # Protobuf's message for it: models are read before they are written, so the models themselves
    # are valid.
    "Failed to serialize proto",
)
_OUT_OF_DISK_SIGNS = ("No space left on device", "Disk quota exceeded")


def resource_failure_from_text(text: str) -> FailureType | None:
    """Infer from a message or the end of a log whether memory or disk space ran out.

    Args:
        text: Text of an exception or the last lines of a log.

    Returns:
        The class of the cause; None if it is neither.
    """
    if any(sign in text for sign in _OUT_OF_MEMORY_SIGNS):
        return FailureType.OUT_OF_MEMORY
    if any(sign in text for sign in _OUT_OF_DISK_SIGNS):
        return FailureType.OUT_OF_DISK
    return None


def resource_failure_from_error(error: BaseException) -> FailureType | None:
    """Return whether an exception means that memory or disk space ran out.

    Args:
        error: The exception.

    Returns:
        The class of the cause; None if it is neither.
    """
    if isinstance(error, MemoryError):
        return FailureType.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return FailureType.OUT_OF_DISK
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return FailureType.OUT_OF_MEMORY
    return resource_failure_from_text(str(error))


# The worker's exit statuses for causes that may prevent it from writing a report.
EXIT_STATUSES = {FailureType.OUT_OF_MEMORY: 71, FailureType.OUT_OF_DISK: 72}


def hide_folders(reason: str, folders: Iterable[str]) -> str:
    """Remove folders of this machine from a reason: libraries put them into their messages.

    Args:
        reason: The reason.
        folders: The folders.

    Returns:
        The reason, in which paths are relative to the nearest of the folders.
    """
    absolute = {each.rstrip("/") for each in folders if each.startswith("/")} - {""}
    for each in sorted(absolute, key=len, reverse=True):
        reason = reason.replace(f"{each}/", "")
    return reason
