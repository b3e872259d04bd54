from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qai_hub.transfer.files import append_missing_suffixes, reserve_unused_path, sanitize_filename


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("model.onnx", "model.onnx"),
        ("my model (1).onnx.zip", "my model (1).onnx.zip"),
        ("模型.onnx", "模型.onnx"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\x.onnx", "x.onnx"),
        ("c:x.onnx", "c_x.onnx"),
        ("a\0b.onnx", "a_b.onnx"),
        ("a\nb\x1b[1m.onnx", "a_b_[1m.onnx"),
        (".bashrc", "bashrc"),
        ("x.onnx. .", "x.onnx"),
        ("", "download"),
        (".", "download"),
        ("..", "download"),
        ("a/", "download"),
        ("\ud800.h5", "_.h5"),
    ],
)
def test_names_stay_in_their_folder(name: str, safe: str) -> None:
    assert sanitize_filename(name) == safe


@pytest.mark.parametrize("sign", ["x", "é", "界"])
def test_long_names_keep_their_suffixes(sign: str) -> None:
    name = sanitize_filename(sign * 5000 + ".onnx.zip")
    assert name.endswith(f"{sign}.onnx.zip")
    assert 140 <= len(name.encode()) <= 150


@given(
    st.text() | st.text("./\\a ", max_size=300) | st.text(st.characters(codec=None), min_size=200)
)
def test_any_name_is_made_safe(name: str) -> None:
    safe = sanitize_filename(name)
    assert safe == Path(f"folder/{safe}").name
    assert safe not in {"", ".", ".."}
    assert not safe.startswith(".")
    assert safe.isprintable()
    assert len(safe.encode()) <= 150
    assert sanitize_filename(safe) == safe


@pytest.mark.parametrize(
    ("path", "name", "whole"),
    [
        ("out/a", "model.onnx", "out/a.onnx"),
        ("out/a.onnx", "model.onnx", "out/a.onnx"),
        ("out/a.ONNX", "model.onnx", "out/a.ONNX"),
        ("out/a", "model.onnx.zip", "out/a.onnx.zip"),
        ("out/a.onnx", "model.onnx.zip", "out/a.onnx.zip"),
        ("out/a.onnx.zip", "model.onnx.zip", "out/a.onnx.zip"),
        ("out/a.zip", "model.onnx.zip", "out/a.zip.onnx.zip"),
        ("out/a.bin", "model.h5", "out/a.bin.h5"),
        ("out/a", "noending", "out/a"),
        ("out/a", "../x.h5", "out/a.h5"),
        ("out/a.b/c", "x.h5", "out/a.b/c.h5"),
        ("out/a", "resnet v1.5.onnx", "out/a.onnx"),
        ("out/a.onnx", "resnet v1.5.onnx", "out/a.onnx"),
        ("out/a", "resnet-1.5.onnx.zip", "out/a.onnx.zip"),
    ],
)
def test_missing_suffixes_are_appended(path: str, name: str, whole: str) -> None:
    assert append_missing_suffixes(Path(path), name) == Path(whole)


def test_free_names_are_taken(tmp_path: Path) -> None:
    taken = [reserve_unused_path(tmp_path / "m.onnx.zip").name for _ in range(3)]
    assert taken == ["m.onnx.zip", "m_1.onnx.zip", "m_2.onnx.zip"]
    assert [reserve_unused_path(tmp_path / "r 1.5.bin").name for _ in range(2)] == [
        "r 1.5.bin",
        "r 1.5_1.bin",
    ]
    (tmp_path / "folder").mkdir()
    assert reserve_unused_path(tmp_path / "folder").name == "folder_1"
    with pytest.raises(FileNotFoundError):
        reserve_unused_path(tmp_path / "absent/m.onnx")
