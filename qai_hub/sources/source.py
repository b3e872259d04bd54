"""A model as one file."""

from dataclasses import dataclass
from pathlib import Path

from qai_hub.models import SourceModelType


@dataclass(frozen=True)
class SourceFile:
    """A model as one file that can be uploaded.

    Attributes:
        path: The file; of a folder, a ZIP archive of it.
        model_type: Format of the model.
        name: Name that people will see, unless they chose another.
        is_directory: Whether the file is a ZIP archive of a folder.
    """

    path: Path
    model_type: SourceModelType
    name: str
    is_directory: bool = False
