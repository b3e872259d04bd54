"""Statistics, histograms and pictures of arrays, for any array."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from support.dataset_bytes import dataset_bytes

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.inspection import datasets
from qai_hub.local.engine.inspection.datasets import inspect_dataset
from qai_hub.local.engine.inspection.differences import compare_datasets
from qai_hub.local.engine.inspection.numbers import describe_values
from qai_hub.local.engine.inspection.pictures import preview

Array = np.ndarray[Any, Any]

NUMBERS = arrays.arrays(
    dtype=st.one_of(
        arrays.floating_dtypes(endianness="="),
        arrays.integer_dtypes(endianness="="),
        arrays.unsigned_integer_dtypes(endianness="="),
        arrays.boolean_dtypes(),
    ),
    shape=arrays.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=12),
)


def pixels(found: dict[str, Any]) -> Array:
    """Return the picture that a preview shows."""
    content = base64.b64decode(found["source"].removeprefix("data:image/png;base64,"))
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        return np.asarray(image)


@given(st.lists(NUMBERS, min_size=1, max_size=3))
def test_statistics_are_those_of_all_values(samples: list[Array]) -> None:
    if len({sample.dtype.kind for sample in samples}) > 1:
        samples = samples[:1]
    found = describe_values(samples)
    json.dumps(found, allow_nan=False)
    flat = np.concatenate([sample.reshape(-1).astype(np.float64) for sample in samples])
    finite = flat[np.isfinite(flat)]
    assert found["count"] == flat.size
    assert found["nan"] == np.isnan(flat).sum()
    assert found["infinite"] == np.isinf(flat).sum()
    assert found["zeros"] == (finite == 0).sum()
    if finite.size:
        assert (found["min"], found["max"]) == (finite.min(), finite.max())
    else:
        assert found["min"] is None
    if found["mean"] is not None and found["std"] is not None:
        assert found["mean"] == pytest.approx(finite.mean(), rel=1e-6, abs=1e-300)
        assert found["std"] == pytest.approx(finite.std(), rel=1e-4, abs=1e-6 * abs(finite).max())
    counted = found["histogram"]
    if counted is not None:
        assert sum(counted["counts"]) == finite.size
        assert counted["low"] <= finite.min() <= finite.max() <= counted["high"]


def test_floats_that_are_longer_than_pythons_are_numbers() -> None:
    long = np.array([0.5, np.inf, np.longdouble("1e308") * 10], np.longdouble)
    assert json.loads(json.dumps(preview(long)))["values"] == [0.5, None, None]


@given(NUMBERS)
def test_any_array_has_a_preview(array: Array) -> None:
    if not array.size:
        return
    found = preview(array)
    json.dumps(found, allow_nan=False)
    if "source" in found:
        shown = pixels(found)
        assert shown.shape[:2] == (found["height"], found["width"])


@pytest.mark.parametrize("shape", [(20, 30, 3), (3, 20, 30), (1, 3, 20, 30), (1, 20, 30, 3)])
def test_images_are_shown_as_they_are(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = preview(array)
    core = np.squeeze(array)
    expected = core if core.shape[2] == 3 else np.moveaxis(core, 0, -1)
    assert (found["kind"], found["low"], found["high"]) == ("image", 0, 255)
    np.testing.assert_array_equal(pixels(found), expected)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ((1, 1, 20, 30), "image"),
        ((1, 20, 30, 1), "image"),
        ((20, 30), "map"),
        ((64, 9, 9), "map"),
        ((2, 5, 64, 9, 9), "map"),
        ((1, 1000), "line"),
        ((1, 3, 1, 1), "values"),
        ((), "values"),
    ],
)
def test_each_shape_has_its_kind_of_preview(shape: tuple[int, ...], kind: str) -> None:
    array = np.zeros(shape, np.float32)
    found = preview(array)
    assert found["kind"] == kind
    assert bool(found.get("note")) == (kind == "map" and len(shape) > 2)


def test_large_pictures_are_made_small() -> None:
    found = preview(np.random.default_rng(0).random((4000, 3000)))
    assert max(found["width"], found["height"]) <= 160


def test_only_the_beginning_of_a_large_dataset_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.h5"
    path.write_bytes(
        dataset_bytes(
            {"x": [np.full((10, 10), i, np.float32) for i in range(9)], "y": [np.ones(200)]}
        )
    )
    monkeypatch.setattr(datasets, "_MAX_BYTES", 2000)
    x, y = inspect_dataset(path)["entries"]
    # Half of the room: two samples of 400 bytes, and half of the next.
    assert (x["samples"], x["read"], x["is_partial"]) == (9, 2, True)
    assert x["values"]["count"] == 250
    assert (y["read"], y["is_partial"], y["values"]["count"]) == (0, True, 125)


def test_a_file_that_declares_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("data/0")
        group.attrs.update({"order": 0, "name": "x", "batch_count": 1 << 40})
        group.create_dataset("batch_0", shape=(1 << 40,), dtype="f8", chunks=(1 << 20,))
    with pytest.raises(JobFailure, match="declares"):
        inspect_dataset(path)


@settings(max_examples=15)
@given(st.lists(NUMBERS, min_size=1, max_size=2))
def test_a_dataset_is_equal_to_itself(tmp_path_factory: Any, samples: list[Array]) -> None:
    path = tmp_path_factory.getbasetemp() / "same.h5"
    path.write_bytes(dataset_bytes({"x": samples}))
    (found,) = compare_datasets(path, path)["entries"]
    json.dumps(found, allow_nan=False)
    assert found["is_equal"]
    assert (found["broken"], found["psnr"]) == (0, None)
