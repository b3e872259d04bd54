"""Locks: what went into jobs and what came out, by which they can be repeated and compared."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import format_fields
from qai_hub.errors import InvalidValueError
from qai_hub.resources.lock_comparison import LockDifference, compare_all
from qai_hub.resources.lock_format import FORMAT, LockFormatError, parse_lock, read_document
from qai_hub.resources.locked_job import LockedJob
from qai_hub.resources.resource_list import ResourceList
from qai_hub.written_files import write_whole

if TYPE_CHECKING:
    from qai_hub.resources.job import Job

__all__ = ["JobLock", "LockReplay"]

# Far more than ten thousand jobs take.
_MAX_BYTES = 64 << 20


@dataclass(frozen=True, repr=False)
class JobLock:
    """What went into jobs, and into all jobs that their models come from.

    Attributes:
        jobs: The jobs, each after those that make its models.

    Examples:
        >>> lock = hub.lock_jobs([inference_job])
        >>> lock.save("hub.lock")
        >>> hub.JobLock.load("hub.lock") == lock
        True
    """

    jobs: tuple[LockedJob, ...]

    @classmethod
    def load(cls, filename: str | os.PathLike[str]) -> JobLock:
        """Reads a lock from a file.

        Args:
            filename: Path of the file.

        Returns:
            The lock.

        Raises:
            FileNotFoundError: If the path does not exist.
            InvalidValueError: If it is not a lock, or one of a newer release.

        Examples:
            >>> hub.lock_jobs([compile_job]).save("hub.lock")
            >>> len(hub.JobLock.load("hub.lock").jobs)
            1
        """
        path = Path(filename).expanduser()
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InvalidValueError(f"{path} is not a lock of jobs: it is too large.")
        try:
            document = parse_lock(read_document(content))
        except LockFormatError as error:
            raise InvalidValueError(f"{path} is not a lock of jobs: {error}.") from error
        return cls(tuple(map(LockedJob._from_document, document["jobs"])))

    def _check(self) -> None:
        """Raises an `InvalidValueError` if jobs put together by a script are none of a lock."""
        try:
            parse_lock(json.loads(self.to_json()))
        except LockFormatError as error:
            raise InvalidValueError(f"The jobs cannot be carried out again: {error}.") from error

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Writes the lock to a file, which the same jobs always give the same bytes.

        Args:
            filename: Path of the file; an existing one is replaced, through a link as well, and a
                missing folder is created.

        Raises:
            UserError: If a folder, a device, a pipe or a socket is there.
            OSError: If the file cannot be written.

        Examples:
            >>> hub.lock_jobs([compile_job]).save("hub.lock")
        """
        write_whole(Path(filename).expanduser(), self.to_json())

    def to_json(self) -> str:
        """Returns the text of its file.

        Returns:
            The text, which ends with a line feed.

        Examples:
            >>> import json
            >>> json.loads(hub.lock_jobs([compile_job]).to_json())["format"]
            'qai-hub-lock'
        """
        document = {**FORMAT, "jobs": [each._to_document() for each in self.jobs]}
        return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n"

    def compare(self, other: JobLock) -> list[LockDifference]:
        """Returns what differs from another lock, whose jobs are compared in order.

        Args:
            other: The other lock.

        Returns:
            The differences; none if the jobs are the same, but for identifiers, and times in files.

        Examples:
            >>> older, newer = hub.lock_jobs([compile_job]), hub.lock_jobs([compile_job])
            >>> older.compare(newer)
            []
        """
        return compare_all(self.jobs, other.jobs)

    def __repr__(self) -> str:
        return format_fields("JobLock", {"jobs": ", ".join(each.id for each in self.jobs)})

    def _repr_html_(self) -> str:
        facts = {
            f"{each.type} {each.id}": "\n".join(
                [
                    *(f"in: {name} {file.describe()}" for name, file in each.inputs.items()),
                    *(f"out: {name} {file.describe()}" for name, file in each.outputs.items()),
                    *each.gaps,
                ]
            )
            for each in self.jobs
        }
        return html.card(html.headline("Lock"), html.facts(facts))


@dataclass(frozen=True, repr=False)
class LockReplay:
    """The jobs of a lock, carried out again.

    Attributes:
        jobs: The new jobs, in the order of the lock.
        lock: The lock of those that have succeeded.
        differences: What differs, in what went in and in what came out.

    Examples:
        >>> replay = hub.replay_lock(hub.lock_jobs([compile_job]))
        >>> replay.is_same
        True
    """

    jobs: tuple[Job, ...]
    lock: JobLock
    differences: tuple[LockDifference, ...]

    @property
    def is_same(self) -> bool:
        """Whether all that came out is the same, whatever the versions of the tools are."""
        return not any(each.is_result for each in self.differences)

    def __repr__(self) -> str:
        jobs = ", ".join(each.job_id for each in self.jobs)
        fields = {"jobs": jobs, "is_same": self.is_same, "differences": len(self.differences)}
        return format_fields("LockReplay", fields)

    def _repr_html_(self) -> str | None:
        return ResourceList(self.differences)._repr_html_()
