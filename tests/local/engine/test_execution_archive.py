import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.model_files import (
    ArchiveLimits,
    is_archive,
    pack_archive,
    unpack_archive,
)


def write_zip(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def unpack_failure(archive: Path, limits: ArchiveLimits | None = None) -> JobFailure:
    with pytest.raises(JobFailure) as caught:
        unpack_archive(archive, archive.with_name("into"), limits or ArchiveLimits())
    return caught.value


def read_files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_what_is_packed_is_unpacked(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"weights")

    pack_archive(
        {"model.onnx/model.onnx": source, "model.onnx/data.bin": source}, tmp_path / "a.zip"
    )
    unpack_archive(tmp_path / "a.zip", tmp_path / "into")

    assert is_archive(tmp_path / "a.zip")
    assert read_files(tmp_path / "into") == {
        "model.onnx/model.onnx": b"weights",
        "model.onnx/data.bin": b"weights",
    }


def test_directories_and_their_files(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("a/", b""), ("a/b/c.bin", b"1"), ("./d", b"2"))

    unpack_archive(archive, tmp_path / "into")

    assert read_files(tmp_path / "into") == {"a/b/c.bin": b"1", "d": b"2"}


@pytest.mark.parametrize("data", [b"", b"PK", b"\x08\x07model", b"text"])
def test_other_files_are_no_archives(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a").write_bytes(data)

    assert not is_archive(tmp_path / "a")


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "..", "a\\..\\..\\x", "C:\\x", "/", ".", "x" * 300, "d/" * 600],
)
def test_paths_that_lead_out_of_it_are_refused(tmp_path: Path, name: str) -> None:
    failure = unpack_failure(write_zip(tmp_path / "a.zip", (name, b"evil")))

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "into"]
    assert read_files(tmp_path / "into") == {}


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=50)
@given(names=st.lists(st.text("./\\aéデ:~ \n\x7f", max_size=12), max_size=5))
@example(names=["a/b", "a"])
@example(names=["a", "a/b"])
@example(names=["a/", "a"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_writes_outside(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"data")
    into = tmp_path / "in" / "to"
    into.parent.mkdir(exist_ok=True)

    with suppress(JobFailure):
        unpack_archive(tmp_path / "a.zip", into)

    assert [path.name for path in into.parent.iterdir()] == ["to"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "in"}
    remove(into)


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    member = zipfile.ZipInfo("link")
    member.external_attr = (kind | 0o777) << 16

    failure = unpack_failure(write_zip(tmp_path / "a.zip", (member, b"/etc/passwd")))

    assert "not a regular file" in failure.reason
    assert read_files(tmp_path / "into") == {}


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("zeros", bytes(50 * 2**20)))

    failure = unpack_failure(archive, ArchiveLimits(free_size=2**20))

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "unpacked size is too large" in failure.reason
    assert (tmp_path / "into" / "zeros").stat().st_size <= 2 * 2**20 + 100 * len(
        archive.read_bytes()
    )


def test_sizes_add_up_over_all_files(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", *((f"f{i}", bytes(1000)) for i in range(5)))

    assert "unpacked size is too large" in unpack_failure(archive, ArchiveLimits(size=4999)).reason


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", *((f"f{i}", b"") for i in range(5)))

    assert "more than 4 files" in unpack_failure(archive, ArchiveLimits(members=4)).reason


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = write_zip(tmp_path / "a.zip", ("f", b"1"), ("f", b"2"))

    assert "same name" in unpack_failure(archive).reason


def test_encrypted_files_are_refused(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", ("f", b"1"))
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)

    assert "encrypted" in unpack_failure(archive).reason


def test_damaged_archives(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "a.zip", ("f", b"0123456789" * 1000)).read_bytes()
    flipped = bytearray(whole)
    flipped[40] ^= 0xFF
    for data in (whole[: len(whole) // 2], b"PK\x03\x04", bytes(flipped)):
        (tmp_path / "b.zip").write_bytes(data)

        failure = unpack_failure(tmp_path / "b.zip")

        assert failure.failure_type is FailureType.MODEL_CORRUPT
        assert "damaged" in failure.reason
        remove(tmp_path / "into")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_whole_blocks_are_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("model.onnx", bytes(2**20))

    assert "neither deflated nor stored" in str(unpack_failure(tmp_path / "a.zip"))
