"""Datasets that are read one sample at a time."""

import os
import pickle
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.dataset_strategies import datasets, same_array

import qai_hub as hub
from qai_hub.dataset_file import dataset_entries_to_h5

Array = np.ndarray[Any, Any]


def number(value: int) -> Array:
    return np.full((2, 3), value, np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    entries = {"x": [number(i) for i in range(3)], "y": [number(-i) for i in range(3)]}
    return dataset_entries_to_h5(entries, tmp_path / "d.h5")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(entries=datasets())
def test_what_is_written_is_read(
    entries: dict[str, list[Array]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.h5"
    dataset_entries_to_h5(entries, path)
    with hub.DatasetReader(path) as data:
        assert list(data) == list(entries)
        for name, samples in entries.items():
            assert len(data[name]) == len(samples)
            assert all(map(same_array, data[name], samples))


indices = st.integers(-7, 7)


@given(
    count=st.integers(1, 5),
    index=indices | st.slices(5) | st.builds(slice, indices, indices, st.sampled_from([None, -2])),
)
def test_indices_and_slices_are_those_of_a_list(
    count: int, index: int | slice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "indices.h5"
    samples = [np.array(i, np.int8) for i in range(count)]
    dataset_entries_to_h5({"x": samples}, path)
    with hub.DatasetReader(path) as data:
        if isinstance(index, int) and not -count <= index < count:
            with pytest.raises(IndexError, match=f"'x' has {count} samples, none .* {index}"):
                data["x"][index]
        elif isinstance(index, int):
            assert data["x"][index] == samples[index]
        else:
            assert data["x"][index] == samples[index]


def test_it_looks_like_a_dictionary_of_lists(path: Path) -> None:
    with hub.DatasetReader(str(path)) as data:
        assert isinstance(data, Mapping)
        assert isinstance(data["x"], Sequence)
        assert ("x" in data, "z" in data, data.get("z"), len(data)) == (True, False, None, 2)
        index: Any = np.int64(1)
        assert data["x"][index][0, 0] == 1
        assert [(float(x.max()), float(y.min())) for x, y in zip(*data.values(), strict=True)] == [
            (0, 0),
            (1, -1),
            (2, -2),
        ]
        assert np.stack(data["x"][1:]).shape == (2, 2, 3)
        assert repr(data) == f"DatasetReader(path={str(path)!r}, samples={{'x': 3, 'y': 3}})"


def test_a_name_that_is_not_there(path: Path) -> None:
    with hub.DatasetReader(path) as data, pytest.raises(KeyError) as caught:
        data["z"]
    assert caught.value.args == (f"{path} has no 'z': it has 'x', 'y'.",)


def test_one_sample_at_a_time_is_in_memory(tmp_path: Path) -> None:
    samples = [np.zeros(1 << 20, np.float32) for _ in range(16)]
    path = dataset_entries_to_h5({"x": samples}, tmp_path / "d.h5")
    tracemalloc.start()
    with hub.DatasetReader(path) as data:
        assert sum(sample.size for sample in data["x"]) == 16 << 20
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # While one is read, the loop still holds the one before.
    assert peak < 2.5 * samples[0].nbytes


def test_a_closed_reader(path: Path) -> None:
    with hub.DatasetReader(path) as data:
        x = data["x"]
    data.close()
    assert (list(data), len(x)) == (["x", "y"], 3)
    for error in (ValueError, hub.UserError):
        with pytest.raises(error, match=r"The reader of .*d\.h5 is closed: read samples within"):
            x[0]


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be written")
@pytest.mark.parametrize("size", [0, 5000, 100_000])
def test_a_file_that_changes_while_it_is_read(path: Path, size: int) -> None:
    """HDF5 reads zeros where a file was cut short."""
    with hub.DatasetReader(path) as data:
        assert data["x"][2][0, 0] == 2
        os.truncate(path, size)
        with pytest.raises(hub.UserError, match=r"d\.h5 has changed since it was opened: open it"):
            data["x"][2]


@pytest.mark.skipif(os.name != "posix", reason="an open file cannot be replaced")
def test_a_file_that_is_replaced_while_it_is_read(path: Path, tmp_path: Path) -> None:
    """As by another download to the same path: the reader goes on with what it has opened."""
    other = dataset_entries_to_h5({"x": [number(9)] * 3}, tmp_path / "other.h5")
    with hub.DatasetReader(path) as data:
        other.replace(path)
        assert data["x"][2][0, 0] == 2


def test_files_that_cannot_be_opened(tmp_path: Path, path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no dataset at"):
        hub.DatasetReader(tmp_path / "absent.h5")
    with pytest.raises(FileNotFoundError, match="it is a folder"):
        hub.DatasetReader(tmp_path)
    np.savez(tmp_path / "d.npz", x=number(1))
    with pytest.raises(hub.UserError, match=r"d\.npz is a NumPy file: read it with numpy\.load"):
        hub.DatasetReader(tmp_path / "d.npz")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(hub.UserError, match="is no HDF5 file, or is cut short"):
        hub.DatasetReader(tmp_path / "text.h5")
    with h5py.File(path, "a") as file:
        file["data/0"].attrs["batch_count"] = 2
    with pytest.raises(hub.UserError, match="different numbers of samples"):
        hub.DatasetReader(path)


def test_a_bad_sample_is_reported_when_it_is_read(path: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s3cret!!")
    with h5py.File(path, "a") as file:
        del file["data/0/batch_1"], file["data/1/batch_0"], file["data/1/batch_1"]
        file["data/1/batch_0"] = b"text"
        file["data/1"].create_dataset(
            "batch_1", shape=(8,), dtype="u1", external=[(str(tmp_path / "secret"), 0, 8)]
        )
    with hub.DatasetReader(path) as data:
        assert data["x"][0][0, 0] == 0
        for name, index, told in (
            ("x", 1, "holds no dataset: /data/0/batch_1 is missing"),
            ("y", 0, "/data/1/batch_0 has the dtype .*: it must hold numbers"),
            ("y", 1, "stores its data in another file"),
        ):
            with pytest.raises(hub.UserError, match=told):
                data[name][index]
        assert data["y"][2][0, 0] == -2


def test_samples_are_read_again_and_again(tmp_path: Path) -> None:
    """What all reads together declare is no measure of what the file holds."""
    path = dataset_entries_to_h5({"x": [np.zeros(1 << 20, np.uint8)]}, tmp_path / "d.h5")
    with hub.DatasetReader(path) as data:
        for _ in range(20):
            assert len(data["x"][0]) == 1 << 20


def test_it_is_not_pickled(path: Path) -> None:
    with hub.DatasetReader(path) as data, pytest.raises(TypeError):
        pickle.dumps(data)
