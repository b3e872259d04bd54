"""Names of downloaded files."""

import re
from pathlib import Path, PurePosixPath

__all__ = ["free_name", "safe_name", "with_suffixes"]

_LONGEST_NAME = 150


def safe_name(name: str) -> str:
    """Makes a safe file name out of text that a server sent.

    Args:
        name: Any text.

    Returns:
        A name that stays in its folder, that every file system accepts, and that makes no hidden
        file.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(sign if sign.isprintable() else "_" for sign in last)
    kept = re.sub(r'[<>:"|?*]', "_", kept).strip(" .")
    suffixes = "".join(PurePosixPath(kept).suffixes[-2:])[-30:]
    while len(kept.encode()) > _LONGEST_NAME:
        kept = kept.removesuffix(suffixes)[:-1] + suffixes
    return kept or "download"


def with_suffixes(path: Path, name: str) -> Path:
    """Appends those suffixes of a name that a path lacks.

    Args:
        path: Path that the user chose, such as `out/mobilenet`.
        name: The server's name for the file, such as `model.onnx.zip`.

    Returns:
        `out/mobilenet.onnx.zip`, also for `out/mobilenet.onnx`.
    """
    suffixes = _file_suffixes(safe_name(name))
    for there in range(len(suffixes), -1, -1):
        if path.name.lower().endswith("".join(suffixes[:there]).lower()):
            break
    return path.with_name(path.name + "".join(suffixes[there:]))


def free_name(path: Path) -> Path:
    """Reserves an unused path by creating an empty file there.

    Args:
        path: The preferred path.

    Returns:
        That path, or `name_1.suffix`, `name_2.suffix` and so on.
    """
    suffixes = "".join(_file_suffixes(path.name))
    stem = path.name.removesuffix(suffixes)
    candidate, number = path, 0
    while True:
        try:
            candidate.touch(exist_ok=False)
        except FileExistsError:
            number += 1
            candidate = path.with_name(f"{stem}_{number}{suffixes}")
        else:
            return candidate


def _file_suffixes(name: str) -> list[str]:
    """Returns the suffixes that name the format; a dot before them is part of the name."""
    suffixes = PurePosixPath(name).suffixes
    return suffixes[-2:] if suffixes[-1:] == [".zip"] else suffixes[-1:]
