"""Datasets as NumPy files, as `upload_dataset` and the submit methods take them."""

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qai_hub.dataset_file import (
    as_h5,
    check_file,
    dataset_entries_to_h5,
    h5_to_dataset_entries,
    h5_to_npz,
)
from qai_hub.errors import UserError
from qai_hub.numpy_files import write_npz
from qai_hub.tensors import DTYPES

Array = np.ndarray[Any, Any]
ONE = np.ones((2, 3), np.float32)


def read(path: Path) -> dict[str, list[Array]]:
    check_file(path)
    with as_h5(path) as file:
        return h5_to_dataset_entries(file)


def npy(array: Array, **settings: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, **settings)
    return file.getvalue()


def npz(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def header(text: str) -> bytes:
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_is_one_sample(save: Any, tmp_path: Path) -> None:
    mask = np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3))
    save(tmp_path / "inputs.npz", **{"input.1": ONE, "/mask": mask})
    entries = read(tmp_path / "inputs.npz")
    assert list(entries) == ["input.1", "/mask"]
    assert [each.tolist() for each in entries["input.1"]] == [ONE.tolist()]
    assert [each.tolist() for each in entries["/mask"]] == [mask.tolist()]
    assert entries["/mask"][0].dtype == np.int32


def test_a_folder_has_a_sample_in_each_file(tmp_path: Path) -> None:
    for number in (10, 9, 1):
        np.savez(tmp_path / f"{number}.npz", x=ONE * number, y=ONE)
    np.savez(tmp_path / "11.npz", y=ONE, x=ONE * 11)
    (tmp_path / ".DS_Store").write_bytes(b"what a file manager leaves")
    entries = read(tmp_path)
    assert list(entries) == ["x", "y"]
    assert [each[0, 0] for each in entries["x"]] == [1, 9, 10, 11]
    assert len(entries["y"]) == 4


arrays = hnp.arrays(
    st.sampled_from(DTYPES).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
names = st.text(st.characters(exclude_characters="\0\\", exclude_categories=["Cs"]), max_size=8)


@given(
    inputs=st.dictionaries(names | st.sampled_from(["/a", "..", "file"]), arrays, min_size=1),
    count=st.integers(1, 12),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_downloaded_can_be_uploaded(
    inputs: dict[str, Array], count: int, tmp_path: Path
) -> None:
    folder = tmp_path / "samples"
    for old in folder.glob("*"):
        old.unlink()
    entries = {name: [array] * count for name, array in inputs.items()}
    paths = h5_to_npz(dataset_entries_to_h5(entries, tmp_path / "data.h5"), folder)
    assert len(paths) == count
    with np.load(paths[-1]) as archive:
        assert list(archive) == list(inputs)
    again = read(folder)
    assert list(again) == list(inputs)
    for name, samples in again.items():
        assert [each.dtype for each in samples] == [inputs[name].dtype] * count
        assert {each.tobytes() for each in samples} == {inputs[name].tobytes()}


def test_a_folder_with_other_files_is_not_added_to(tmp_path: Path) -> None:
    source = dataset_entries_to_h5({"x": [ONE, ONE]}, tmp_path / "data.h5")
    h5_to_npz(source, tmp_path / "new")
    (tmp_path / "new" / ".DS_Store").write_bytes(b"what a file manager leaves")
    h5_to_npz(source, tmp_path / "new")
    with pytest.raises(UserError, match=r"holds data.h5 already: give a new folder"):
        h5_to_npz(source, tmp_path)
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["data.h5", "new"]


def test_a_single_file_is_for_one_sample(tmp_path: Path) -> None:
    one = dataset_entries_to_h5({"x": [ONE]}, tmp_path / "one.h5")
    two = dataset_entries_to_h5({"x": [ONE, ONE]}, tmp_path / "two.h5")
    target = tmp_path / "new" / "outputs.npz"
    assert h5_to_npz(one, target) == h5_to_npz(one, target) == [target]
    assert np.load(target)["x"].tolist() == ONE.tolist()
    with pytest.raises(UserError, match=r"has 2 samples, and a \.npz file holds one"):
        h5_to_npz(two, target)


def test_a_file_that_cannot_be_completed_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "outputs.npz"
    write_npz(path, {"x": ONE})
    before = path.read_bytes()
    with pytest.raises(ValueError, match="allow_pickle"):
        write_npz(path, {"x": ONE * 2, "y": OBJECTS})
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


OBJECTS = np.array([{"code": "runs"}], dtype=object)
ZEROS = npy(np.zeros(1 << 20, np.int8))


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ([("x.npy", npy(OBJECTS, allow_pickle=True))], "holds Python objects, which are not read"),
        ([("x.npy", npy(np.ones(3)))], r"'x' in .* has the dtype float64: .* array.astype"),
        ([("x.npy", npy(np.array(["text"])))], "has the dtype str128"),
        ([("x.npy", npy(np.zeros(2, [("a", "i4")])))], "has the dtype void32"),
        ([], "has no arrays"),
        ([("x.npy", npy(ONE)), ("notes.txt", b"-")], "holds 'notes.txt', which is no array"),
        ([("x.npy", b"")], "'x' in .* is no array, or is damaged"),
        ([("x.npy", b"no magic number at all")], "is no array, or is damaged"),
        ([("x.npy", npy(ONE)[:-1])], "its size is not that of its shape"),
        ([("x.npy", npy(ONE) + b"-")], "its size is not that of its shape"),
        ([("x.npy", header("{'descr': '<f4', 'shape': (2,)}\n"))], "is no array, or is damaged"),
        (
            [("x.npy", header("(" * 9000 + "\n"))],
            r"is no array, or is damaged: its header cannot be read\.$",
        ),
        (
            [("x.npy", header(" " * 100_000 + "\n"))],
            r"is no array, or is damaged: its header cannot be read\.$",
        ),
        (
            [("x.npy", header("{'descr':'<f4','fortran_order':False,'shape':(9999999999999,)}\n"))],
            "its size is not that of its shape",
        ),
        ([(f"{'x' * 5000}.npy", npy(ONE))], "cannot name an input"),
    ],
)
def test_files_that_hold_no_sample(
    members: list[tuple[str, bytes]], told: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told):
        check_file(npz(tmp_path / "inputs.npz", members))


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_two_arrays_with_one_name(tmp_path: Path) -> None:
    path = npz(tmp_path / "inputs.npz", [("x.npy", npy(ONE)), ("x.npy", npy(ONE))])
    with pytest.raises(UserError, match="two arrays with the same name"):
        check_file(path)


def test_other_compression_is_refused(tmp_path: Path) -> None:
    path = npz(tmp_path / "inputs.npz", [("x.npy", ZEROS)], zipfile.ZIP_LZMA)
    with pytest.raises(UserError, match="use that"):
        check_file(path)


def patched(path: Path, change: Any) -> Path:
    """The file with its central directory, of one member, changed."""
    content = bytearray(path.read_bytes())
    change(content, content.rindex(b"PK\x01\x02"))
    path.write_bytes(content)
    return path


def test_a_bomb_allocates_nothing(tmp_path: Path) -> None:
    def claim(content: bytearray, entry: int) -> None:
        struct.pack_into("<I", content, entry + 24, 0xFFFFFF00)

    path = npz(tmp_path / "inputs.npz", [("x.npy", ZEROS)], zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="which cannot hold so much"):
        check_file(patched(path, claim))


def test_an_encrypted_array(tmp_path: Path) -> None:
    def encrypt(content: bytearray, entry: int) -> None:
        content[entry + 8] |= 1

    path = npz(tmp_path / "inputs.npz", [("x.npy", npy(ONE))])
    with pytest.raises(UserError, match="is encrypted"):
        check_file(patched(path, encrypt))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_that_are_cut_short_or_damaged(method: int, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 9, 2000).astype(np.int16)
    good = npz(tmp_path / "inputs.npz", [("x.npy", npy(array)), ("y.npy", npy(array))], method)
    content = good.read_bytes()
    for place in range(0, len(content), 37):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        for broken in (content[:place], bytes(damaged)):
            good.write_bytes(broken)
            try:
                entries = read(good)
            except UserError:
                continue
            # What does not belong to an array may be damaged: its date, for example.
            assert all(np.array_equal(samples[0], array) for samples in entries.values())


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "is empty: a folder can be a dataset"),
        ({"1.npz": {"x": ONE}, "notes.txt": {}}, "holds notes.txt: a folder can be a dataset"),
        (
            {"1.npz": {"x": ONE}, "2.npz": {"y": ONE}},
            r"2.npz has the arrays \['y'\], and .*1.npz has \['x'\]",
        ),
    ],
)
def test_folders_that_hold_no_dataset(
    files: dict[str, dict[str, Array]], told: str, tmp_path: Path
) -> None:
    for name, sample in files.items():
        npz(tmp_path / name, [(f"{key}.npy", npy(array)) for key, array in sample.items()])
    with pytest.raises(UserError, match=told):
        check_file(tmp_path)


def test_an_array_without_a_name(tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", ONE)
    with pytest.raises(UserError, match=r'NAME=np.load\("?\'image.npy'):
        check_file(tmp_path / "image.npy")


@pytest.mark.parametrize("name", ["inputs.npz", "inputs.npy", "inputs.h5"])
def test_a_path_that_is_not_there(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "input.npz", x=ONE)
    with pytest.raises(FileNotFoundError, match=f"There is no dataset at .*{name}"):
        check_file(tmp_path / name)
