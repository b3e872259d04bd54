"""The folders on this machine that attempts at jobs work in."""

import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from qai_hub.local.disk import sync
from qai_hub.local.files.quarantine import Quarantine
from qai_hub.local.files.settling import entries

LOG_FILE = "hub.log"
_ATTEMPT = re.compile(r"(?P<job>[0-9a-z]+)-[0-9]+")


class WorkFolders:
    """A folder for each attempt, and files that are about to be published.

    Args:
        folder: Data folder of the hub.
        durable: Whether the folder of them is to outlast a power cut.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder / "work"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if durable:
            sync(folder)

    def make(self, job_id: str, attempt: int) -> Path:
        """Make the empty folder that one attempt works in, and return it."""
        folder = self._of(job_id, attempt)
        folder.mkdir(mode=0o700)
        return folder

    def remove(self, job_id: str, attempt: int) -> None:
        """Delete the folder of an attempt."""
        shutil.rmtree(self._of(job_id, attempt), ignore_errors=True)

    def log_of(self, job_id: str, attempt: int) -> str:
        """Return what the log of an attempt says so far; nothing where none is under way."""
        try:
            log = self._of(job_id, attempt) / LOG_FILE
            return log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def write(self, text: str) -> Path:
        """Write a text to a file that is to be published, and return its path."""
        path = self.folder / secrets.token_hex(8)
        path.write_text(text, encoding="utf-8")
        return path

    def clear(self, is_job: Callable[[str], bool], quarantine: Quarantine) -> int:
        """Delete what earlier attempts have left, which are made again; all else is put away.

        Args:
            is_job: Returns whether an id is that of a job.
            quarantine: Takes what is not of a job.

        Returns:
            How many things went to the quarantine.
        """
        moved = 0
        for path, _ in entries(self.folder):
            attempt = _ATTEMPT.fullmatch(path.name)
            if attempt and path.is_dir() and not path.is_symlink() and is_job(attempt["job"]):
                shutil.rmtree(path, ignore_errors=True)
            if os.path.lexists(path):
                moved += quarantine.put(path)
        return moved

    def _of(self, job_id: str, attempt: int) -> Path:
        return self.folder / f"{job_id}-{attempt}"
