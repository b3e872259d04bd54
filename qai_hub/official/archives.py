"""ZIP archives of models: the names of `util.zipped_model`."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qai_hub.closest import why_no_file
from qai_hub.errors import UserError

__all__ = ["unzip_model", "zip_model"]

_BLOCK = 1 << 20
# Others are unpacked by whole blocks, which may fill the memory.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# Models have some hundred files; those of a folder with one file for each weight, some thousand.
_MAX_ENTRIES = 100_000
# Weights hardly shrink. An archive that grows more is made to fill the disk, unless it is small.
_MAX_RATIO = 200
_ALWAYS_ALLOWED = 256 << 20
# What is left on the disk for others.
_RESERVE = 64 << 20
_MAX_NAME_BYTES = 255
_MAX_PATH_BYTES = 1000


def zip_model(output_dir_path: str, model_path: str) -> str:
    """Packs a model into a ZIP file, whose only top-level entry has the name of the model.

    Args:
        output_dir_path: Folder to write to.
        model_path: The model, a folder or a file.

    Returns:
        Path of the ZIP file, which is named after the model with `.zip` appended.

    Raises:
        FileNotFoundError: If the model does not exist.
    """
    model = Path(os.path.abspath(model_path))  # noqa: PTH100 - links stay as they are
    if not model.exists():
        raise FileNotFoundError(f"There is no model at {model_path}{why_no_file(model)}")
    target = Path(output_dir_path) / f"{model.name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [model, *sorted(model.rglob("*"))]:
            archive.write(path, path.relative_to(model.parent))
    return str(target)


def unzip_model(zipped_model_path: str, path_to_extract: str) -> str:
    """Unpacks a model from a ZIP file.

    Nothing is written unless all names are good and the sizes that the archive announces fit on the
    disk, and no more than these is written.

    Args:
        zipped_model_path: The ZIP file.
        path_to_extract: Folder to write to, which is created if it is missing.

    Returns:
        Path of the model: the only top-level entry, or the folder if there are several entries.

    Raises:
        UserError: If it is not a ZIP file, if an entry would be written outside the folder, or if
            it unpacks to more files or bytes than a model has.
    """
    folder = Path(path_to_extract)
    folder.mkdir(parents=True, exist_ok=True)
    with _open_archive(zipped_model_path) as archive:
        places = [(entry, _parse_entry(entry)) for entry in _checked_entries(archive)]
        _check_names(zipped_model_path, [place for _, place in places])
        _check_size(archive, folder)
        for entry, place in places:
            target = folder.joinpath(*place)
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                _extract(archive, entry, target)
    tops = {place[0] for _, place in places}
    return str(folder / tops.pop() if len(tops) == 1 else folder)


@contextmanager
def _open_archive(path: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    # Which error is raised depends on where the damage is, and on how the entry is packed.
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(
            f"{path} is not a ZIP file, or it is damaged or encrypted: {error}."
        ) from error


def _checked_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > _MAX_ENTRIES:
        raise UserError(
            f"{archive.filename} has {len(entries)} entries: a model has at most {_MAX_ENTRIES}."
        )
    return entries


def _parse_entry(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Returns the path of an entry as parts, and rejects one that leads out of the folder."""
    parts = tuple(part for part in entry.filename.split("/") if part not in {"", "."})
    kind = stat.S_IFMT(entry.external_attr >> 16)
    leads_out = ".." in parts or any(set(part) & set("\\:\0") for part in parts)
    if not parts or leads_out or entry.filename.startswith("/") or kind == stat.S_IFLNK:
        raise UserError(f"The entry {entry.filename!r} of a ZIP file leads outside it.")
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise UserError(f"The entry {entry.filename!r} of a ZIP file is not a file.")
    if entry.compress_type not in _METHODS:
        raise UserError(f"The entry {entry.filename!r} of a ZIP file must be deflated or stored.")
    sizes = [len(part.encode(errors="surrogatepass")) for part in parts]
    if max(sizes) > _MAX_NAME_BYTES or sum(sizes) + len(sizes) > _MAX_PATH_BYTES:
        raise UserError(f"The name of the entry {entry.filename[:100]!r}... is too long.")
    return parts


def _check_names(path: str, places: list[tuple[str, ...]]) -> None:
    """Rejects two entries of one name, also on file systems that ignore case."""
    seen: set[tuple[str, ...]] = set()
    for place in places:
        folded = tuple(part.casefold() for part in place)
        if folded in seen:
            raise UserError(f"{path} has two entries of the name {'/'.join(place)!r}.")
        seen.add(folded)


def _check_size(archive: zipfile.ZipFile, folder: Path) -> None:
    """Rejects an archive that announces more than the disk can hold, or than a model can shrink."""
    size = sum(entry.file_size for entry in archive.infolist())
    packed = Path(str(archive.filename)).stat().st_size
    if size > max(_ALWAYS_ALLOWED, _MAX_RATIO * packed):
        raise UserError(
            f"{archive.filename} has {packed} bytes and unpacks to {size}: no model shrinks "
            "so much."
        )
    free = shutil.disk_usage(folder).free
    if size + _RESERVE > free:
        raise UserError(
            f"{archive.filename} unpacks to {size} bytes, and only {free} are free in {folder}."
        )


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """Writes a file in constant memory; the reader ends after the announced size."""
    try:
        with archive.open(entry) as packed, target.open("wb") as file:
            shutil.copyfileobj(packed, file, _BLOCK)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
