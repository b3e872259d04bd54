"""Loads what PyTorch has written, and never code within it."""

import logging
import os
import pickle
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from qai_hub.local.execution.extras import load_extra
from qai_hub.local.execution.failures import FailureType, JobFailure, resource_failure_of

logger = logging.getLogger(__name__)

_SAFE_LOADING = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_loading = False


def load_torch() -> Any:  # noqa: ANN401 - it is not installed where types are checked
    """Import PyTorch.

    Raises:
        JobFailure: It is not installed.
    """
    return load_extra("torch", "torch", "PyTorch models")


def check_archive(source: Path, members: set[str], what: str) -> None:
    """Check that a file is an archive with what only a model with its code has.

    Args:
        source: The file.
        members: Files or folders that must be in it.
        what: What it is to be, and who writes that.

    Raises:
        JobFailure: It is not.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            inside = {name.partition("/")[2].partition("/")[0] for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        reason = f"The file is not {what}, or it is damaged: {error}"
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    if not members <= inside:
        reason = (
            f"The file is not {what}. What torch.save writes, weights or a module, needs Python "
            "code to run: load it, and export it with torch.export."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason)


@contextmanager
def told(what: str, failure_type: FailureType) -> Iterator[None]:
    """Tell whatever PyTorch raises as a failure of the job.

    Args:
        what: What PyTorch is to do.
        failure_type: Class of the cause if it cannot.
    """
    try:
        yield
    except pickle.UnpicklingError:
        logger.exception("PyTorch cannot %s without running code", what)
        reason = (
            "The file holds a Python object, and to load that could run any code: save a model "
            "that holds tensors only."
        )
        raise JobFailure(FailureType.MODEL_INVALID, reason) from None
    # Its loaders and exporters raise whatever comes up in their code.
    except Exception as error:
        if resource_failure_of(error):
            raise
        logger.exception("PyTorch cannot %s", what)
        reason = f"PyTorch cannot {what}: {explained(error)}"
        raise JobFailure(failure_type, reason) from error


def explained(error: Exception) -> str:
    """Return what PyTorch reports, without the lines of source code that lead to it.

    Args:
        error: What it has raised.
    """
    text = str(error).strip()
    if "Traceback of TorchScript" in text:
        return text.splitlines()[-1][:1500]
    return f"{type(error).__name__}: {' '.join(text.split())}"[:1500]


@contextmanager
def without_code() -> Iterator[None]:
    """Let no pickle within a file call anything.

    PyTorch reads weights by an unpickler of its own, which makes tensors only. What that one
    refuses, and some constants, the loader of exported programs hands to Python's: a file could
    run any code.
    """
    global _loading  # noqa: PLW0603 - hooks cannot be taken away again, only told to let go
    _hook()
    before = os.environ.get(_SAFE_LOADING)
    os.environ[_SAFE_LOADING] = "1"
    _loading = True
    try:
        yield
    finally:
        _loading = False
        if before is None:
            del os.environ[_SAFE_LOADING]
        else:
            os.environ[_SAFE_LOADING] = before


@cache
def _hook() -> None:
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _loading and event == "pickle.find_class":
        reason = f"a pickle in it asks for {arguments[0]}.{arguments[1]}, which could run any code"
        raise pickle.UnpicklingError(reason)
