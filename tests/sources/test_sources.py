"""What is uploaded of the models that users have: formats, names, archives."""

import io
import os
import random
import sys
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import onnx
import pytest
from google.protobuf.message import EncodeError
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_models import affine

from qai_hub.errors import UserError
from qai_hub.resources.model_types import SourceModelType
from qai_hub.sources import detect_source_type, open_source
from qai_hub.transfer.archive import FolderArchive
from qai_hub.transfer.content import Content, content_sha256

NAMES = st.text("abM./\\_: é", min_size=1, max_size=12) | st.sampled_from(
    [
        "m.onnx",
        "m.onnx/",
        "m.onnx/m.onnx",
        "m.onnx/w.data",
        "m.aimet/m.encodings",
        "../m.onnx",
        "/m",
    ]
)


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as zipped:
        for name in names:
            zipped.writestr(name, b"" if name.endswith("/") else b"content")
    return path


def torch_file(path: Path, *inside: str) -> Path:
    return archive(path, *(f"model/{name}" for name in inside))


@given(st.lists(NAMES, max_size=6, unique=True))
def test_any_archive_is_a_model_or_refused(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    path = archive(tmp_path_factory.mktemp("zip") / "m.onnx.zip", *names)
    try:
        model_type = detect_source_type(path)
    except UserError as error:
        assert str(path) in str(error)
    else:
        assert model_type in (SourceModelType.ONNX, SourceModelType.AIMET_ONNX)
        assert len({PurePosixPath(name.replace("\\", "/")).parts[0] for name in names}) == 1


@given(st.binary(max_size=64))
def test_any_zip_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("zip") / "m.onnx.zip"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"ZIP|empty"):
        detect_source_type(path)


@pytest.mark.parametrize("name", ["m.mlpackage/../../x", "m.mlpackage\\..\\..\\x"])
def test_archives_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "m.mlpackage.zip", "m.mlpackage/Manifest.json", name)
    with pytest.raises(UserError, match="lead outside"):
        detect_source_type(path)


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pt2"])
def test_torch_files_without_code_are_refused(tmp_path: Path, suffix: str) -> None:
    weights = torch_file(tmp_path / f"weights{suffix}", "data.pkl", "data/0", "version")
    pickled = tmp_path / f"pickled{suffix}"
    pickled.write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    for path in (weights, pickled):
        with pytest.raises(UserError, match=r"torch\.save.*torch\.export\.export"):
            detect_source_type(path)


@pytest.mark.parametrize(
    "inside",
    [
        ("data.pkl", "code/__torch__.py", "constants.pkl", "version"),
        ("data.pkl", "constants.pkl", "version"),
        ("models/model.json", "data/weights/weight_0", "archive_format"),
        ("serialized_exported_program.json", "serialized_state_dict.pt", "version"),
    ],
)
def test_torch_files_with_code_are_taken(tmp_path: Path, inside: tuple[str, ...]) -> None:
    assert detect_source_type(torch_file(tmp_path / "m.pt", *inside)) is SourceModelType.TORCHSCRIPT
    expected = SourceModelType.TORCH_EXPORTED_PROGRAM
    assert detect_source_type(torch_file(tmp_path / "m.pt2", *inside)) is expected


def test_the_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m.dlc").write_bytes(b"content")
    with open_source("~/m.dlc") as source:
        assert (source.path, source.name) == (tmp_path / "m.dlc", "m.dlc")


def test_a_folder_becomes_an_archive_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "m.mlpackage"
    (folder / "Data" / "empty").mkdir(parents=True)
    (folder / "Manifest.json").write_bytes(b"{}")
    monkeypatch.chdir(folder)
    with open_source(".") as source:
        assert (source.name, source.is_directory) == ("m.mlpackage", True)
        with source.as_file() as path, zipfile.ZipFile(path) as zipped:
            assert zipped.namelist() == [
                "m.mlpackage/",
                "m.mlpackage/Data/",
                "m.mlpackage/Data/empty/",
                "m.mlpackage/Manifest.json",
            ]
            assert zipped.read("m.mlpackage/Manifest.json") == b"{}"
    assert not path.exists()


def test_tflite_in_memory() -> None:
    content = b"\x1c\x00\x00\x00TFL3 and so on"
    with open_source(content) as source:
        assert (source.model_type, source.name) == (SourceModelType.TFLITE, "model.tflite")
        assert source.path.read_bytes() == content
    assert not source.path.exists()


def test_onnx_in_memory_goes_by_its_graph() -> None:
    with open_source(affine()) as source:
        assert source.name == "affine"
        assert onnx.load(source.path) == affine()


@pytest.mark.parametrize("error", [EncodeError("too large"), ValueError("exceeds 2GB")])
def test_onnx_that_is_too_large_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    class Huge:
        graph = None

        def SerializeToString(self) -> bytes:
            raise error

    monkeypatch.setattr(onnx, "ModelProto", Huge)
    with pytest.raises(UserError, match="external data"), open_source(Huge()):
        pass


class MLModel:
    """As Core ML's package has it: a package is a folder, and the older format a file."""

    def __init__(self, *, is_package: bool) -> None:
        self.is_package = is_package

    def save(self, path: str) -> None:
        if self.is_package:
            Path(path).mkdir()
            (Path(path) / "Manifest.json").write_bytes(b"{}")
        else:
            Path(path).write_bytes(b"content")


@pytest.mark.parametrize("package", [True, False])
def test_core_ml_in_memory(monkeypatch: pytest.MonkeyPatch, *, package: bool) -> None:
    coremltools: Any = ModuleType("coremltools.models")
    coremltools.MLModel = MLModel
    monkeypatch.setitem(sys.modules, "coremltools.models", coremltools)
    with open_source(MLModel(is_package=package)) as source:
        assert source.is_directory == package
        if package:
            assert (source.model_type, source.name) == (
                SourceModelType.MLPACKAGE,
                "model.mlpackage",
            )
            with source.as_file() as path, zipfile.ZipFile(path) as zipped:
                assert zipped.namelist()[0] == "model.mlpackage/"
        else:
            assert (source.model_type, source.name) == (SourceModelType.MLMODEL, "model.mlmodel")
            assert source.path.read_bytes() == b"content"


def test_a_module_that_is_no_package_of_models_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch.jit", ModuleType("torch.jit"))
    with pytest.raises(UserError, match="not object"):
        detect_source_type(object())


def read_whole(content: Content, step: int) -> bytes:
    blocks = []
    offset = 0
    while offset < content.size:
        blocks.append(content.read(offset, step))
        assert 0 < len(blocks[-1]) <= step
        offset += len(blocks[-1])
    assert offset == content.size
    return b"".join(blocks)


@pytest.mark.parametrize("step", [1, 7, 1000, 1 << 20])
def test_an_archive_that_was_never_written_can_be_read_anywhere(tmp_path: Path, step: int) -> None:
    folder = tmp_path / "é.aimet"
    (folder / "empty").mkdir(parents=True)
    files = {"m.onnx": b"graph" * 300, "m.data": random.Random(1).randbytes(2000), "none": b""}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    archive = FolderArchive(folder)
    whole = read_whole(archive, step)
    with zipfile.ZipFile(io.BytesIO(whole)) as zipped:
        assert zipped.testzip() is None
        assert zipped.namelist() == [
            "é.aimet/",
            "é.aimet/empty/",
            "é.aimet/m.data",
            "é.aimet/m.onnx",
            "é.aimet/none",
        ]
        for name, content in files.items():
            assert zipped.read(f"é.aimet/{name}") == content
        zipped.extractall(tmp_path / "back")
    for name, content in files.items():
        assert (tmp_path / "back/é.aimet" / name).read_bytes() == content
    assert archive.read(len(whole) - 5, 5) == whole[-5:]


def test_equal_folders_make_equal_archives(tmp_path: Path) -> None:
    digests = set()
    for parent, mode in (("a", 0o600), ("b", 0o644)):
        folder = tmp_path / parent / "m.mlpackage"
        folder.mkdir(parents=True)
        for name in ("x", "y") if parent == "a" else ("y", "x"):
            (folder / name).write_bytes(name.encode())
            (folder / name).chmod(mode)
            os.utime(folder / name, (1e9, 1e9) if parent == "a" else None)
        digests.add(content_sha256(FolderArchive(folder)))
    assert len(digests) == 1


def test_large_files_in_archives_are_read_in_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And have headers of another form, in an archive of more than 4 GB, or what counts as that."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1_000_000)
    folder = tmp_path / "m.onnx"
    folder.mkdir()
    with (folder / "m.data").open("wb") as file:
        file.truncate(30_000_000)
    (folder / "m.onnx").write_bytes(b"graph")
    tracemalloc.start()
    archive = FolderArchive(folder)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    with zipfile.ZipFile(Seekable(archive)) as zipped:
        info = zipped.getinfo("m.onnx/m.data")
        assert (info.file_size, info.extract_version) == (30_000_000, zipfile.ZIP64_VERSION)
        assert zipped.testzip() is None
        assert zipped.read("m.onnx/m.onnx") == b"graph"


class Seekable(io.RawIOBase):
    """A content as a file."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._position = 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        base = {0: 0, 1: self._position, 2: self._content.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        left = self._content.size - self._position
        size = left if size < 0 else min(size, left)
        blocks = b""
        while len(blocks) < size:
            blocks += self._content.read(self._position + len(blocks), size - len(blocks))
        self._position += len(blocks)
        return blocks


@pytest.mark.parametrize("change", ["content", "new", "gone"])
def test_a_folder_that_changes_is_noticed(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "m.mlpackage"
    folder.mkdir()
    for name in ("x", "empty"):
        (folder / name).write_bytes(b"1" if name == "x" else b"")
    archive = FolderArchive(folder)
    archive.check_unchanged()
    if change == "content":
        (folder / "empty").write_bytes(b"2")
    elif change == "new":
        (folder / "new").touch()
    else:
        (folder / "x").unlink()
    with pytest.raises((UserError, FileNotFoundError)):
        archive.check_unchanged()
