"""Whether the files that a database tells of are there, with the size and content it tells."""

import hashlib
import random
from collections.abc import Sequence
from typing import NamedTuple

from qai_hub.local.files.store import FileStore

RECORDED = """
    SELECT files.id, files.size, files.sha256 FROM files
    WHERE files.id IN (SELECT file_id FROM models WHERE file_id IS NOT NULL)
    OR files.id IN (SELECT file_id FROM artifacts)
    ORDER BY files.id
"""
"""Selects the files of models, and of the logs of jobs."""

_SAMPLE = 500


class RecordedFile(NamedTuple):
    """What a database tells of a file; its digest is in hex, if it is known."""

    id: str
    size: int
    sha256: str | None


def check_files(
    recorded: Sequence[RecordedFile], store: FileStore, rng: random.Random
) -> dict[str, int]:
    """Compares files with what a database tells of them.

    Args:
        recorded: What it tells.
        store: Where they are.
        rng: Chooses the files that are read: 500 of them, or all if there are fewer.

    Returns:
        How many there should be, and how many are not there, or not as they should be.
    """
    sizes = {found.id: found.size for found in store.list_files()}
    there = [file for file in recorded if file.id in sizes]
    sample = rng.sample(there, min(_SAMPLE, len(there)))
    return {
        "files": len(recorded),
        "files that are not there": len(recorded) - len(there),
        "files of another size": sum(sizes[file.id] != file.size for file in there),
        "files that were read": len(sample),
        "files of another content": sum(not _is_intact(store, file) for file in sample),
    }


def _is_intact(store: FileStore, file: RecordedFile) -> bool:
    try:
        content = b"".join(store.open_range(file.id, 0, file.size))
    except OSError:
        return False
    return len(content) == file.size and file.sha256 in (None, hashlib.sha256(content).hexdigest())
