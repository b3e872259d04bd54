"""Dataset files that declare more than they hold, read by the client and by a job."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qai_hub.dataset_file import check_h5, h5_to_dataset_entries
from qai_hub.errors import UserError
from qai_hub.local.engine.datasets import InputDataset
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.signature import Port

Array = np.ndarray[Any, Any]
Change = Callable[[h5py.Group], object]
GIB = 1 << 30
DEFLATE, SCALE_OFFSET = 1, 6
ZEROS = np.zeros((1 << 20,), np.float32)


def write(path: Path, *makes: Change) -> Path:
    """Write a dataset file, whose inputs `x0`, `x1` and so on each make their one sample."""
    with h5py.File(path, "w") as file:
        for order, make in enumerate(makes):
            group = file.create_group(f"data/{order}")
            group.attrs.update({"name": f"x{order}", "order": order, "batch_count": 1})
            make(group)
    return path


def as_job(path: Path) -> dict[str, Array]:
    """Read the sample as an inference job does whose model takes just these inputs."""
    with h5py.File(path) as file:
        groups = [file[f"data/{number}"] for number in range(len(file["data"]))]
        ports = [
            Port(str(group.attrs["name"]), group["batch_0"].dtype.name, group["batch_0"].shape)
            for group in groups
        ]
    return read_by_job(path, ports)


def read_by_job(path: Path, ports: list[Port]) -> dict[str, Array]:
    with contextlib.closing(InputDataset(path, ports)) as dataset:
        return dataset.sample(0)


def refusals(path: Path) -> list[str]:
    """Return what both readers say of a file that neither takes."""
    with pytest.raises(UserError) as by_client:
        check_h5(path)
    with pytest.raises(JobFailure) as by_job:
        as_job(path)
    assert by_job.value.failure_type is FailureType.INVALID_INPUTS
    return [str(by_client.value), by_job.value.reason]


def never_written(**how: Any) -> Change:
    return lambda group: group.create_dataset("batch_0", (4, GIB), "f4", **how)


def partly_written(group: h5py.Group) -> None:
    how = {"chunks": (1, 1000), "compression": "gzip"}
    array = group.create_dataset("batch_0", (4, 1000), "f4", **how)
    array[:3] = np.ones((3, 1000))


def through(*filters: tuple[int, tuple[int, ...]]) -> Change:
    """Write zeros through filters in a row, as no function of h5py does."""

    def make(group: h5py.Group) -> None:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(ZEROS.shape)
        for code, values in filters:
            settings.set_filter(code, 0, values)
        space = h5py.h5s.create_simple(ZEROS.shape)
        kind = h5py.h5t.py_create(ZEROS.dtype)
        h5py.h5d.create(group.id, b"batch_0", kind, space, settings)
        group["batch_0"][...] = ZEROS

    return make


def one_huge_chunk(group: h5py.Group) -> None:
    array = group.create_dataset("batch_0", (4,), "f4", chunks=(GIB // 2,), maxshape=(None,))
    assert array.nbytes == 16


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (never_written(), "declares 17179869184 bytes, and only 0 are stored"),
        (never_written(chunks=(1, 1 << 20)), "declares 17179869184 bytes, and only 0 are stored"),
        (never_written(chunks=(1, 1 << 20), compression="gzip"), "only 0 are stored"),
        (partly_written, "declares 16000 bytes, and 1 of its chunks were never written"),
        (one_huge_chunk, "declares 2147483648 bytes, and only 0 are stored"),
        (through((DEFLATE, (9,)), (DEFLATE, (9,))), "compressed more than once"),
        (
            lambda group: group.create_dataset(
                "batch_0", data=np.zeros(9, np.int32), scaleoffset=0
            ),
            f"uses the HDF5 filter {SCALE_OFFSET}: use gzip",
        ),
    ],
)
def test_what_a_file_does_not_hold_is_refused_before_it_is_read(
    make: Change, told: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "d.h5", make)
    assert path.stat().st_size < 1 << 20
    assert all(told in text for text in refusals(path))


def test_one_array_is_not_read_many_times(tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", lambda group: group.create_dataset("batch_0", data=ZEROS))
    with h5py.File(path, "a") as file:
        group = file.create_group("data/1")
        group.attrs.update({"name": "x1", "order": 1, "batch_count": 1})
        group["batch_0"] = file["data/0/batch_0"]
    for text in refusals(path):
        assert "/data/1/batch_0 is the same array as /data/0/batch_0" in text


@pytest.mark.parametrize("key", ["name", "order", "batch_count"])
@pytest.mark.parametrize("value", [np.zeros(4000), ["a", "b"], np.bytes_(b"x" * 60_000)])
def test_odd_attributes_are_refused(key: str, value: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "d.h5", lambda group: group.create_dataset("batch_0", data=ZEROS))
    with h5py.File(path, "a") as file:
        file["data/0"].attrs[key] = value
    with pytest.raises(UserError):
        check_h5(path)
    with pytest.raises(JobFailure):
        read_by_job(path, [Port("x0", "float32", ZEROS.shape)])


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "gzip", "compression_opts": 9, "shuffle": True},
        {"compression": "lzf"},
        {"chunks": (1000,), "compression": "gzip", "fletcher32": True},
        {"chunks": (1 << 20,), "maxshape": (None,)},
        {},
    ],
)
def test_the_most_compressible_data_is_taken(how: dict[str, Any], tmp_path: Path) -> None:
    path = write(
        tmp_path / "d.h5", lambda group: group.create_dataset("batch_0", data=ZEROS, **how)
    )
    assert np.array_equal(h5_to_dataset_entries(path)["x0"][0], ZEROS)
    assert np.array_equal(as_job(path)["x0"], ZEROS)


def test_a_file_that_is_still_open_for_writing_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "d.h5", "w") as file:
        group = file.create_group("data/0")
        group.attrs.update({"name": "x", "order": 0, "batch_count": 1})
        group.create_dataset("batch_0", data=ZEROS, compression="gzip")
        assert np.array_equal(h5_to_dataset_entries(file)["x"][0], ZEROS)


SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=3).map(tuple)
FILTERS = st.sampled_from(
    [{}, {"compression": "gzip"}, {"compression": "lzf"}, {"compression": "gzip", "shuffle": True}]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    shape=SHAPES, how=FILTERS, rows=st.integers(0, 40), step=st.integers(1, 7), value=st.floats()
)
def test_what_is_written_is_read_and_the_rest_is_refused(
    tmp_path: Path,
    shape: tuple[int, ...],
    how: dict[str, Any],
    rows: int,
    step: int,
    value: float,
) -> None:
    """An array is taken just if all of its chunks are there, whatever is in them."""
    chunks = tuple(min(step, size) for size in shape)
    chunked = all(chunks) and (bool(how) or step > 1)
    content = np.full(shape, value)

    def make(group: h5py.Group) -> None:
        how_chunked = {"chunks": chunks, **how} if chunked else {}
        array = group.create_dataset("batch_0", shape, "f8", **how_chunked)
        if content[:rows].size:
            array[:rows] = content[:rows]

    path = write(tmp_path / "d.h5", make)
    if chunked and content.size:
        whole = -(-rows // chunks[0]) >= -(-shape[0] // chunks[0])
    else:
        whole = rows > 0 or not content.size
    if not whole:
        refusals(path)
        return
    expected = np.zeros(shape)
    expected[:rows] = content[:rows]
    for read in (h5_to_dataset_entries(path)["x0"][0], as_job(path)["x0"]):
        assert np.array_equal(read, expected, equal_nan=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_a_job_fails_with_a_reason_whatever_is_damaged(
    tmp_path: Path, places: list[tuple[int, int]]
) -> None:
    path = tmp_path / "d.h5"
    values = np.arange(600, dtype=np.float32)
    write(
        path,
        lambda group: group.create_dataset(
            "batch_0", data=values, chunks=(50,), compression="gzip"
        ),
    )
    damaged = bytearray(path.read_bytes())
    for place, change in places:
        damaged[place % len(damaged)] ^= change
    path.write_bytes(damaged)
    with contextlib.suppress(JobFailure):
        assert read_by_job(path, [Port("x0", "float32", (600,))])["x0"].shape == (600,)
