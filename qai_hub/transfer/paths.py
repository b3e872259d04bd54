"""What downloaded files are called."""

import re
from pathlib import Path, PurePosixPath

__all__ = ["free_name", "safe_name", "with_suffixes"]

_LONGEST_NAME = 150


def safe_name(name: str) -> str:
    """Makes a name of a file of what a server sent.

    Args:
        name: Any text.

    Returns:
        A name that stays in its folder, that any file system takes, and that hides nothing.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(sign if sign.isprintable() else "_" for sign in last)
    kept = re.sub(r'[<>:"|?*]', "_", kept).strip(" .")
    suffixes = "".join(PurePosixPath(kept).suffixes[-2:])[-30:]
    while len(kept.encode()) > _LONGEST_NAME:
        kept = kept.removesuffix(suffixes)[:-1] + suffixes
    return kept or "download"


def with_suffixes(path: Path, name: str) -> Path:
    """Appends the suffixes of a name that a path lacks.

    Args:
        path: Path that the user gave: `out/mobilenet`.
        name: Name that the server gave: `model.onnx.zip`.

    Returns:
        `out/mobilenet.onnx.zip`, also for `out/mobilenet.onnx`.
    """
    suffixes = _file_suffixes(safe_name(name))
    for there in range(len(suffixes), -1, -1):
        if path.name.lower().endswith("".join(suffixes[:there]).lower()):
            break
    return path.with_name(path.name + "".join(suffixes[there:]))


def free_name(path: Path) -> Path:
    """Takes a path that no file has, by making an empty file.

    Args:
        path: The path that would be best.

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
    """The suffixes that tell the format; a dot before them belongs to the name: `resnet-1.5`."""
    suffixes = PurePosixPath(name).suffixes
    return suffixes[-2:] if suffixes[-1:] == [".zip"] else suffixes[-1:]
