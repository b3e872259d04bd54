"""Archives that are no model: made to fill the disk or the memory, or to write elsewhere."""

import random
import shutil
import stat
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from qai_hub.errors import UserError
from qai_hub.official import archives
from qai_hub.util.zipped_model import unzip_model

MEBIBYTE = 1 << 20


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def write(path: Path, *entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return str(path)


def refused(archive: str, folder: Path, told: str) -> None:
    """Checks that an archive is refused before anything is written."""
    with pytest.raises(UserError, match=told):
        unzip_model(archive, str(folder))
    assert list(folder.iterdir()) == []


def test_a_large_model_is_unpacked_in_constant_memory(tmp_path: Path) -> None:
    block = random.Random(0).randbytes(MEBIBYTE)
    packed = write(tmp_path / "m.zip", ("net/a.data", block * 24), method=zipfile.ZIP_STORED)
    tracemalloc.start()
    folder = unzip_model(packed, str(tmp_path / "there"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (Path(folder) / "a.data").read_bytes() == block * 24
    assert peak < 6 * MEBIBYTE


def test_one_that_grows_too_much(tmp_path: Path) -> None:
    bomb = write(tmp_path / "m.zip", *((f"{n}.data", bytes(33 * MEBIBYTE)) for n in range(8)))
    refused(bomb, tmp_path / "there", "no model shrinks so much")


def test_one_whose_entries_share_their_bytes(tmp_path: Path) -> None:
    """Each entry of the directory counts, though all are stored in one place."""
    path = Path(write(tmp_path / "m.zip", ("a", bytes(16 * MEBIBYTE))))
    with zipfile.ZipFile(path, "a") as archive:
        (first,) = archive.infolist()
        for number in range(20):
            again = zipfile.ZipInfo(f"b{number}")
            for name in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(again, name, getattr(first, name))
            archive.filelist.append(again)
        archive._didModify = True  # type: ignore[attr-defined]
    refused(str(path), tmp_path / "there", "no model shrinks so much")


def test_one_that_does_not_fit_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = write(tmp_path / "m.zip", ("net/a.data", b"x" * MEBIBYTE))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    refused(packed, tmp_path / "there", "only 1000000 are free")


def test_one_that_announces_less_than_it_has(tmp_path: Path) -> None:
    path = Path(write(tmp_path / "m.zip", ("net/a.data", bytes(MEBIBYTE))))
    size = MEBIBYTE.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(UserError, match="damaged"):
        unzip_model(str(path), str(tmp_path / "there"))
    assert [each for each in (tmp_path / "there").rglob("*") if each.is_file()] == []


def test_one_with_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = write(tmp_path / "m.zip", *((f"net/{n}", b"") for n in range(31)))
    monkeypatch.setattr(archives, "_MAX_ENTRIES", 30)
    refused(packed, tmp_path / "there", "has 31 entries")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_one_that_unpacks_by_whole_blocks(tmp_path: Path, method: int) -> None:
    packed = write(tmp_path / "m.zip", ("net/a", bytes(MEBIBYTE)), method=method)
    refused(packed, tmp_path / "there", "must be deflated or stored")


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["net/a", "net/A"], "two entries of the name 'net/A'"),
        (["net/a", "./net/a"], "two entries"),
        (["x" * 256], "too long"),
        (["net/" + "/".join(["x" * 100] * 10)], "too long"),
        (["net/" + "é" * 128], "too long"),
    ],
)
def test_names_that_make_no_files(tmp_path: Path, names: list[str], told: str) -> None:
    packed = write(tmp_path / "m.zip", *((name, b"x") for name in names))
    refused(packed, tmp_path / "there", told)


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFSOCK])
def test_entries_that_are_no_files(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("net/device")
    entry.external_attr = (kind | 0o666) << 16
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr(entry, b"")
    refused(str(tmp_path / "m.zip"), tmp_path / "there", "is not a file")


def damage(content: bytes) -> bytes:
    return content.replace(b"weights" * 100, b"weightz" * 100)


def encrypt(content: bytes) -> bytes:
    """Sets the flag that says so, in the entry and in the directory."""
    local, central = content.index(b"PK\3\4") + 6, content.index(b"PK\1\2") + 8
    changed = bytearray(content)
    changed[local] |= 1
    changed[central] |= 1
    return bytes(changed)


def shorten(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize("change", [damage, encrypt, shorten])
def test_damaged_ones_leave_no_file(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = Path(write(tmp_path / "m.zip", ("net/a", b"weights" * 1000), method=zipfile.ZIP_STORED))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match="damaged or encrypted"):
        unzip_model(str(path), str(tmp_path / "there"))
    assert [each for each in (tmp_path / "there").rglob("*") if each.is_file()] == []
