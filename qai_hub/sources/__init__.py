"""The forms in which users have models: files, folders, archives of folders, and in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub.closest import why_no_file
from qai_hub.errors import UserError
from qai_hub.sources.memory import detect_memory_type, write_model
from qai_hub.sources.path import SourceFile, detect_file_type, detect_folder_type
from qai_hub.temporary_files import temporary_folder

if TYPE_CHECKING:
    from qai_hub.resources.model_types import SourceModelType

__all__ = ["SourceFile", "source_file", "source_type"]


@contextmanager
def open_source(model: Any) -> Iterator[SourceFile]:  # noqa: ANN401 (checked here)
    """Provides a model as a file or folder while the context is open.

    Args:
        model: Path of a file or folder, or a model in memory.

    Yields:
        The file or folder.

    Raises:
        FileNotFoundError: If the path does not exist.
        UserError: If it is not a model that can be uploaded.
    """
    model_type = detect_source_type(model)
    path = Path(model).expanduser().absolute() if isinstance(model, str | Path) else None
    if path is not None:
        is_directory = path.suffix == ".zip" or path.is_dir()
        yield SourceFile(path, model_type, path.name, is_directory=is_directory)
        return
    with temporary_folder() as temporary:
        yield write_model(model, model_type, Path(temporary))


def detect_source_type(model: Any) -> SourceModelType:  # noqa: ANN401 (checked here)
    """Returns the format of a model that could be uploaded.

    Args:
        model: Path of a file or folder, or a model in memory.

    Returns:
        The format.

    Raises:
        FileNotFoundError: If the path does not exist.
        UserError: If it is not a model that can be uploaded.
    """
    if not isinstance(model, str | Path):
        return detect_memory_type(model)
    if model == "":
        raise UserError("The path of the model is empty: pass the path of its file.")
    path = Path(model).expanduser()
    if not path.is_dir() and not path.is_file():
        raise FileNotFoundError(f"There is no model at {path}{why_no_file(path)}")
    return detect_folder_type(path) if path.is_dir() else detect_file_type(path)
