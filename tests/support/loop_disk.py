"""A disk image whose power can be cut: ext4 on a loop device. It takes root."""

import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

_MIB = 1 << 20
# Little memory is needed to keep most of what is not synced off the disk for a minute.
_OPTIONS = "loop,commit=60"
_TRIES = 200


class LoopDisk:
    """A mounted image of a file system.

    Args:
        image: The file.
        folder: Where it is mounted; made if it is not there.
    """

    def __init__(self, image: Path, folder: Path) -> None:
        self._image = image
        self.folder = folder
        self._mounted = ExitStack()

    @classmethod
    def create(cls, image: Path, folder: Path, mebibytes: int) -> Self:
        """Make the image as well."""
        with image.open("wb") as file:
            file.truncate(mebibytes * _MIB)
        _run("mkfs.ext4", "-q", "-F", "-J", "size=4", str(image))
        return cls(image, folder)

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        _run("mount", "-o", _OPTIONS, str(self._image), str(self.folder))
        # Lazily: it goes even if a process that is ending has still a file open there.
        self._mounted.callback(_run, "umount", "--lazy", str(self.folder))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mounted.close()

    def after_power_cut(self, image: Path, folder: Path) -> "LoopDisk":
        """Return the disk as it would be if the power was cut now.

        What the system still holds in memory of the mounted files is not in the image: it would be
        lost. A copy takes time, in which the image may change. But if a second copy is equal to the
        first, nothing has changed from the end of the first to the beginning of the second, and
        both show the image as it was then. Whoever writes should be held meanwhile.

        Args:
            image: The file to copy it to.
            folder: Where it is to be mounted.

        Returns:
            A disk to be mounted.
        """
        first = self._image.read_bytes()
        for _ in range(_TRIES):
            second = self._image.read_bytes()
            if second == first:
                image.write_bytes(second)
                return LoopDisk(image, folder)
            first = second
        raise AssertionError("the disk does not come to rest")


def unavailable_reason(folder: Path) -> str | None:
    """Return why no such disk can be had on this system; None if it can."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        return "only root may mount a disk, and it takes mkfs.ext4"
    try:
        with LoopDisk.create(folder / "probe", folder / "probed", 16):
            return None
    except subprocess.CalledProcessError as error:
        return f"no disk can be mounted: {error.stderr.decode().strip()}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
