import collections
import contextlib
import io
import itertools
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.dataset_strategies import datasets, same_array

from qai_hub.dataset_file import check_h5, dataset_entries_to_h5, h5_to_dataset_entries
from qai_hub.dataset_reader import DatasetReader
from qai_hub.errors import UserError

Array = np.ndarray[Any, Any]
ONE = np.ones((2, 3), np.float32)


def in_memory() -> h5py.File:
    return h5py.File(io.BytesIO(), "w")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(datasets())
def test_what_is_written_is_read(entries: dict[str, list[Array]]) -> None:
    with in_memory() as file:
        assert dataset_entries_to_h5(entries, file) is file
        assert check_h5(file) == list(entries)
        again = h5_to_dataset_entries(file)
    assert list(again) == list(entries)
    for name, samples in entries.items():
        assert len(again[name]) == len(samples)
        assert all(map(same_array, again[name], samples))


def test_the_layout_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    assert dataset_entries_to_h5({"b": [ONE, ONE * 2], "a": [ONE, ONE]}, path) is path
    with h5py.File(path) as file:
        assert {key: dict(group.attrs) for key, group in file["data"].items()} == {
            "0": {"order": 0, "name": "b", "batch_count": 2},
            "1": {"order": 1, "name": "a", "batch_count": 2},
        }
        assert list(file) == ["data"]
        assert set(file["data/0"]) == {"batch_0", "batch_1"}
        assert np.array_equal(file["data/0/batch_1"][()], ONE * 2)
    assert list(h5_to_dataset_entries(path)) == list(h5_to_dataset_entries(str(path))) == ["b", "a"]


NOISE = np.random.default_rng(0)
PIXELS = NOISE.integers(0, 256, (3, 64, 64))


@pytest.mark.parametrize(
    ("samples", "shuffle"),
    [
        ([np.zeros(5000, np.float32)], False),
        ([np.zeros((2, 70, 70), np.uint8)] * 9, False),
        ([(PIXELS // 4 * 4 / 255).astype(np.float32)], False),
        ([np.arange(9000, dtype=np.int64) * 3], True),
        ([np.asfortranarray(np.zeros((70, 70), np.float32))[::2]], False),
    ],
)
def test_arrays_that_shrink_much_are_compressed(samples: list[Any], shuffle: bool) -> None:
    with in_memory() as file:
        dataset_entries_to_h5({"x": samples}, file)
        assert {file[f"data/0/batch_{n}"].compression for n in range(len(samples))} == {"gzip"}
        assert file["data/0/batch_0"].shuffle is shuffle
        assert np.array_equal(h5_to_dataset_entries(file)["x"][-1], samples[-1])
        dataset_entries_to_h5({"x": samples}, file.create_group("plain"), compress=False)
        assert file["plain/data/0/batch_0"].chunks is None


@pytest.mark.parametrize(
    "samples",
    [
        [np.ones(1, np.float32)],
        [np.zeros((0, 3), np.float32)],
        [np.float32(NOISE.standard_normal((64, 64)))] * 3,
        [NOISE.integers(0, 256, 9000).astype(np.uint8)],
        [np.float16(NOISE.standard_normal(9000))],
        # Most of it is noise, though it does not begin with it.
        [np.zeros(9000, np.float32), *[np.float32(NOISE.standard_normal(9000))] * 7],
    ],
)
def test_other_arrays_are_stored_as_they_are(samples: list[Any]) -> None:
    with in_memory() as file:
        dataset_entries_to_h5({"x": samples}, file)
        assert {file[f"data/0/batch_{n}"].chunks for n in range(len(samples))} == {None}


def test_one_sample_at_a_time_is_in_memory_while_a_dataset_is_written(tmp_path: Path) -> None:
    """Samples of another byte order are copied to be put right, and these copies do not add up."""
    samples = [np.zeros(1 << 20, ">f4") for _ in range(16)]
    tracemalloc.start()
    dataset_entries_to_h5({"x": samples}, tmp_path / "d.h5")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.5 * samples[0].nbytes


@pytest.mark.parametrize("dtype", [">f4", ">i8", "<u2"])
def test_byte_order_is_put_right(dtype: str) -> None:
    array = np.arange(4).astype(dtype)
    with in_memory() as file:
        dataset_entries_to_h5({"x": [array]}, file)
        (again,) = h5_to_dataset_entries(file)["x"]
    assert again.dtype.isnative
    assert again.dtype.name == array.dtype.name
    assert np.array_equal(again, array)


@pytest.mark.parametrize(
    "entries",
    [{"x": ONE}, {"x": (ONE,)}, OrderedDict(x=[ONE]), {"x": [np.asfortranarray(ONE)[::1]]}],
)
def test_other_ways_to_give_the_same(entries: Any) -> None:
    with in_memory() as file:
        dataset_entries_to_h5(entries, file)
        assert np.array_equal(h5_to_dataset_entries(file)["x"], [ONE])


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({}, "not an empty one"),
        (None, "a dictionary from names to lists of arrays"),
        ([ONE], "not list"),
        (ONE, "not ndarray"),
        ({"x": []}, "'x' must have a list of arrays, one for each sample, not an empty one"),
        ({"x": None}, "not NoneType"),
        ({"x": "abc"}, "not str"),
        ({"x": [ONE], "y": [ONE, ONE]}, "'x': 1, 'y': 2"),
        ({"x": [[1.0, 2.0]]}, "Sample 0 of 'x' has the type list"),
        ({"x": [ONE, 3.0]}, "Sample 1 of 'x' has the type float"),
        ({"x": [np.float32(3)]}, "Sample 0 of 'x' has the type float32"),
        ({"x": [ONE.astype(np.float64)]}, "float64: it must be one of float32"),
        ({"x": [ONE.astype(np.float64)]}, "sample.astype(np.float32)"),
        ({"x": [np.array([None])]}, "object"),
        ({"x": [np.array(["a"])]}, "str"),
        ({"x": [ONE.astype(complex)]}, "complex128"),
        ({"x": [ONE.astype(np.uint32)]}, "uint32"),
        ({"x": [np.array(["2020-01-01"], "M8[D]")]}, "datetime64"),
        ({1: [ONE]}, "must be text, not 1"),
        ({"a\0b": [ONE]}, "without NUL"),
        ({"\ud800": [ONE]}, "UTF-8"),
        ({"é" * 2049: [ONE]}, "at most 4096 bytes"),
    ],
)
def test_what_is_no_dataset(entries: Any, told: str, tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    with pytest.raises(UserError) as caught:
        dataset_entries_to_h5(entries, path)
    assert told in str(caught.value)
    assert not path.exists()


def test_a_longest_name() -> None:
    with in_memory() as file:
        dataset_entries_to_h5({"é" * 2048: [ONE]}, file)
        assert check_h5(file) == ["é" * 2048]


def test_an_old_file_is_replaced_and_a_failed_one_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "d.h5"
    path.write_bytes(b"something else")
    dataset_entries_to_h5({"x": [ONE]}, path)
    assert check_h5(path) == ["x"]

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(OSError, match="No space left"):
        dataset_entries_to_h5({"x": [ONE]}, path)
    assert not path.exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for place, reason in (
        (tmp_path, "Is a directory"),
        (tmp_path / "absent/d.h5", "No such file"),
    ):
        with pytest.raises(OSError, match=reason):
            dataset_entries_to_h5({"x": [ONE]}, place)
    assert tmp_path.is_dir()


def test_files_are_written_array_by_array(tmp_path: Path) -> None:
    """A generator-like mapping would do: no more than one array is copied at a time."""
    import tracemalloc

    sample = np.random.default_rng(1).random(500_000).astype(np.float32)
    tracemalloc.start()
    dataset_entries_to_h5({"x": [sample] * 20}, tmp_path / "d.h5")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * sample.nbytes


# -- reading -------------------------------------------------------------------------------------


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for read in (h5_to_dataset_entries, check_h5):
        with pytest.raises(FileNotFoundError, match="no dataset at"):
            read(tmp_path / "absent.h5")
        with pytest.raises(FileNotFoundError, match="no dataset at"):
            read(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", bytes(range(256)) * 16]
)
def test_files_that_are_not_hdf5(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    path.write_bytes(content)
    for read in (h5_to_dataset_entries, check_h5):
        with pytest.raises(UserError, match="no HDF5 file, or is cut short") as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_files_that_are_cut_short_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    entries = {"x": [np.random.default_rng(1).random((50, 50)).astype(np.float32)] * 2}
    dataset_entries_to_h5(entries, path)
    whole = path.read_bytes()
    rng = np.random.default_rng(2)
    for size in range(0, len(whole), 997):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match="cut short"):
            h5_to_dataset_entries(path)
    read = 0
    for _ in range(150):
        damaged = bytearray(whole)
        for place in rng.integers(0, 3000, 4):
            damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with contextlib.suppress(UserError):
            h5_to_dataset_entries(path)
            read += 1
    assert 0 < read < 130


def dataset_file(change: Callable[[h5py.File], object]) -> h5py.File:
    file = in_memory()
    dataset_entries_to_h5({"x": [ONE, ONE], "y": [ONE, ONE]}, file)
    change(file)
    return file


def delete(path: str) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        del file[path]

    return change


def replace(path: str, make: Callable[[h5py.File], object]) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        del file[path]
        file[path] = make(file)

    return change


def set_attribute(path: str, key: str, value: object) -> Callable[[h5py.File], object]:
    def change(file: h5py.File) -> None:
        if value is None:
            del file[path].attrs[key]
        else:
            file[path].attrs[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (delete("data"), "/data is missing"),
        (replace("data", lambda file: ONE), "/data must be a group"),
        (delete("data/0"), "some are missing"),
        (replace("data", lambda file: file.create_group("empty")), "no inputs"),
        (replace("data/0", lambda file: ONE), "/data/0 must be a group"),
        (delete("data/0/batch_1"), "/data/0/batch_1 is missing"),
        (replace("data/0/batch_1", lambda f: f.create_group("g")), "/data/0/batch_1 must be a"),
        (replace("data/0/batch_0", lambda f: b"text"), "must hold numbers"),
        (replace("data/0/batch_0", lambda f: h5py.SoftLink("/data/1/batch_0")), "only a link"),
        (replace("data/0/batch_0", lambda f: h5py.ExternalLink("e.h5", "/x")), "only a link"),
        (set_attribute("data/0", "name", None), "/data/0 has no attribute name of type str"),
        (set_attribute("data/0", "name", 3), "no attribute name of type str"),
        (set_attribute("data/0", "name", "y"), "same name"),
        (set_attribute("data/0", "batch_count", None), "no attribute batch_count of type int"),
        (set_attribute("data/0", "batch_count", "2"), "no attribute batch_count of type int"),
        (set_attribute("data/0", "batch_count", 0), "batch_count 0"),
        (set_attribute("data/0", "batch_count", -1), "batch_count -1"),
        (set_attribute("data/0", "batch_count", 1), "different numbers of samples"),
        (set_attribute("data/0", "batch_count", 10**18), "different numbers of samples"),
        (set_attribute("data/0", "order", 1), "some are missing"),
        (set_attribute("data/0", "order", 7), "some are missing"),
        (set_attribute("data/0", "order", None), "some are missing"),
        (set_attribute("data/0", "order", "0"), None),
        (set_attribute("data/0", "name", b"\xff"), "UTF-8"),
        (lambda file: file["data"].create_group(b"\xff"), "is damaged"),
    ],
)
def test_files_that_hold_no_dataset(
    change: Callable[[h5py.File], object], told: str | None
) -> None:
    with dataset_file(change) as file:
        for read in (check_h5, h5_to_dataset_entries):
            if told is None:
                assert list(read(file)) == ["x", "y"]
                continue
            with pytest.raises(UserError, match="holds no dataset") as caught:
                read(file)
            assert told in str(caught.value)


def test_arrays_kept_in_other_files_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s3cret!!")
    path = tmp_path / "d.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/0")
        group.attrs.update({"order": 0, "name": "x", "batch_count": 1})
        group.create_dataset("batch_0", shape=(8,), dtype="u1", external=[(str(secret), 0, 8)])
    with pytest.raises(UserError, match="in another file"):
        h5_to_dataset_entries(path)

    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = ONE
    with h5py.File(path, "w") as file:
        group = file.create_group("data/0")
        group.attrs.update({"order": 0, "name": "x", "batch_count": 1})
        layout = h5py.VirtualLayout(shape=(2, 3), dtype="f4")
        layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape=(2, 3))
        group.create_virtual_dataset("batch_0", layout)
    with pytest.raises(UserError, match="in another file"):
        h5_to_dataset_entries(path)


def test_files_without_orders_are_read_by_number() -> None:
    with in_memory() as file:
        entries = {f"input {i}": [np.full(1, i, np.float32)] for i in range(12)}
        dataset_entries_to_h5(entries, file)
        for group in file["data"].values():
            del group.attrs["order"]
        assert list(h5_to_dataset_entries(file)) == list(entries)


def test_orders_win_over_numbers() -> None:
    with in_memory() as file:
        dataset_entries_to_h5({"a": [ONE], "b": [ONE], "c": [ONE]}, file)
        for key, order in {"0": 2, "1": 0, "2": 1}.items():
            file[f"data/{key}"].attrs["order"] = order
        assert list(h5_to_dataset_entries(file)) == ["b", "c", "a"]


@pytest.mark.parametrize("dtype", ["float64", "uint32", "uint64", "float32", "bool"])
def test_any_numbers_are_read(dtype: str) -> None:
    with dataset_file(replace("data/0/batch_0", lambda f: np.ones(3, dtype))) as file:
        assert h5_to_dataset_entries(file)["x"][0].dtype == dtype


# -- samples that are made as they are written ----------------------------------------------------


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(datasets(), st.data())
def test_iterators_are_written_as_lists_are(
    entries: dict[str, list[Array]], data: st.DataObject
) -> None:
    forms: list[Callable[[list[Array]], Any]] = [list, iter, tuple, collections.deque]
    given_entries = {
        name: data.draw(st.sampled_from(forms))(samples) for name, samples in entries.items()
    }
    with in_memory() as file:
        dataset_entries_to_h5(given_entries, file)
        again = h5_to_dataset_entries(file)
    assert list(again) == list(entries)
    for name, samples in entries.items():
        assert len(again[name]) == len(samples)
        assert all(map(same_array, again[name], samples))


def test_samples_of_iterators_are_taken_in_turns_and_one_at_a_time(tmp_path: Path) -> None:
    taken = []

    def make(name: str) -> Iterator[Array]:
        for index in range(8):
            taken.append(f"{name}{index}")
            yield np.full(1 << 20, index, np.float32)

    tracemalloc.start()
    dataset_entries_to_h5({"x": make("x"), "y": make("y")}, tmp_path / "d.h5")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken == [f"{name}{index}" for index in range(8) for name in "xy"]
    assert peak < 1.5 * (4 << 20)


def test_a_dataset_is_written_from_another_that_is_open(tmp_path: Path) -> None:
    first = dataset_entries_to_h5({"x": [ONE, ONE * 2]}, tmp_path / "first.h5")
    with DatasetReader(first) as data:
        dataset_entries_to_h5(data, tmp_path / "second.h5")
        dataset_entries_to_h5({"y": (x * 2 for x in data["x"])}, tmp_path / "third.h5")
    assert np.array_equal(h5_to_dataset_entries(tmp_path / "second.h5")["x"], [ONE, ONE * 2])
    assert np.array_equal(h5_to_dataset_entries(tmp_path / "third.h5")["y"], [ONE * 2, ONE * 4])


def test_the_first_sample_of_an_iterator_tells_whether_it_shrinks() -> None:
    zeros: Array = np.zeros(5000, np.float32)
    noise: Array = NOISE.standard_normal(5000).astype(np.float32)
    with in_memory() as file:
        dataset_entries_to_h5({"x": iter([zeros, noise]), "y": iter([noise, zeros])}, file)
        compressed = [file[f"data/{n}/batch_1"].compression for n in range(2)]
    assert compressed == ["gzip", None]


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ({"x": iter([])}, "'x' has no samples. An iterator gives its samples only once"),
        ({"x": iter([ONE]), "y": iter([])}, "'y' has no samples"),
        ({"x": iter([ONE]), "y": iter([ONE, ONE])}, "'x' has 1, and 'y' has more"),
        ({"x": iter([ONE, ONE]), "y": iter([ONE])}, "'y' has 1, and 'x' has more"),
        ({"x": iter([ONE]), "y": [ONE, ONE]}, "'x' has 1, and 'y' has more"),
        ({"x": itertools.repeat(ONE), "y": [ONE]}, "'y' has 1, and 'x' has more"),
        ({"x": collections.deque([ONE]), "y": [ONE] * 2}, "these have {'x': 1, 'y': 2}"),
        ({"x": iter([ONE, ONE.astype(float)])}, "Sample 1 of 'x' has the dtype float64"),
        ({"x": iter([ONE, [1.0]])}, "Sample 1 of 'x' has the type list"),
        (dict.fromkeys("xy", iter([ONE, ONE])), "'x' and 'y' have the same iterator"),
        ({"x": {"y": ONE}}, "not dict"),
        ({"x": b"abc"}, "not bytes"),
        ({"x": 3}, "not int"),
    ],
)
def test_iterators_that_are_no_dataset(entries: Any, told: str, tmp_path: Path) -> None:
    path = tmp_path / "d.h5"
    with pytest.raises(UserError) as caught:
        dataset_entries_to_h5(entries, path)
    assert told in str(caught.value)
    assert not path.exists()


def test_arrays_of_other_packages_are_no_lists_of_samples(tmp_path: Path) -> None:
    """An array of NumPy is one sample, so an array of a file is not taken apart either."""
    with in_memory() as file, pytest.raises(UserError, match="not Dataset"):
        dataset_entries_to_h5({"x": file.create_dataset("x", data=ONE)}, tmp_path / "d.h5")


def test_what_a_generator_raises_comes_through(tmp_path: Path) -> None:
    def make() -> Iterator[Array]:
        yield ONE
        raise LookupError("no such photo")

    with pytest.raises(LookupError, match="no such photo"):
        dataset_entries_to_h5({"x": make()}, tmp_path / "d.h5")
    assert list(tmp_path.iterdir()) == []
