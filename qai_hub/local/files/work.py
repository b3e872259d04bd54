"""The working folders of attempts, on this machine."""

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qai_hub.local.disk import sync
from qai_hub.local.files.quarantine import Quarantine, list_entries
from qai_hub.local.left_files import read_left_file

LOG_FILE = "hub.log"
# More than a log has.
_MAX_LOG = 16 << 20
_ATTEMPT_NAME = re.compile(r"(?P<job>[0-9a-z]+)-[0-9]+")
_TEMPORARY_NAME = re.compile(r"temporary-[0-9a-f]{16}")


class WorkFolders:
    """A folder for each attempt, and files that are about to be published.

    Args:
        folder: Data folder of the hub.
        durable: Whether their parent folder must survive a power cut.

    Attributes:
        folder: Their parent folder.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder / "work"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if durable:
            sync(folder)

    def create(self, job_id: str, attempt: int) -> Path:
        """Create the empty folder of an attempt, and return it."""
        folder = self._path(job_id, attempt)
        # An administrator may have deleted their parent, of a process that was silent for long.
        folder.mkdir(mode=0o700, parents=True)
        return folder

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """Create an empty folder for work that belongs to no job, and delete it in the end."""
        folder = self.folder / f"temporary-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700, parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self, job_id: str, attempt: int) -> None:
        """Delete the folder of an attempt."""
        shutil.rmtree(self._path(job_id, attempt), ignore_errors=True)

    def remove_all(self) -> None:
        """Delete the folder of this process, in which nothing else is."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)

    def read_log(self, job_id: str, attempt: int, node_id: str | None = None) -> str:
        """Return the log of a running attempt so far; empty if none is running.

        Args:
            job_id: The job.
            attempt: Number of the attempt.
            node_id: The process that carries it out, whose folder is beside that of this one; None
                for this one.
        """
        folder = self._path(job_id, attempt)
        if node_id is not None:
            folder = self.folder.parent.parent / node_id / self.folder.name / folder.name
        try:
            return read_left_file(folder / LOG_FILE, _MAX_LOG).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def write_text(self, text: str) -> Path:
        """Write a text to a file that is about to be published, and return its path."""
        path = self.folder / secrets.token_hex(8)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            # On a full disk this is tried again and again.
            path.unlink(missing_ok=True)
            raise
        return path

    def clear(self, is_job: Callable[[str], bool], quarantine: Quarantine) -> int:
        """Delete the folders of earlier attempts, which are repeated; quarantine everything else.

        Args:
            is_job: Returns whether an id is that of a job.
            quarantine: Receives entries that do not belong to a job.

        Returns:
            Number of entries moved to the quarantine.
        """
        moved = 0
        for path, _ in list_entries(self.folder):
            attempt = _ATTEMPT_NAME.fullmatch(path.name)
            is_ours = _TEMPORARY_NAME.fullmatch(path.name) or (attempt and is_job(attempt["job"]))
            if is_ours and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            if os.path.lexists(path):
                moved += quarantine.put(path)
        return moved

    def _path(self, job_id: str, attempt: int) -> Path:
        return self.folder / f"{job_id}-{attempt}"
