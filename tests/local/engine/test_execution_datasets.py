from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from support.execution_models import (
    dataset,
    get_failure,
    linear_model,
    run_request,
    samples,
    saved,
    two_inputs,
)

from qai_hub.local.engine.failures import FailureType


@pytest.mark.parametrize(
    ("tensors", "told"),
    [
        ({"z": samples(1)}, ["unknown: 'z'", "missing: 'x'", "takes 'x': float32[2, 3]"]),
        ({}, ["missing: 'x'"]),
        ({"x": samples(1), "z": samples(1)}, ["unknown: 'z'"]),
        ({"x": []}, ["no samples"]),
        ({"x": samples(2, 3, 2)}, ["Sample 0 of the input 'x': float32[2, 3]", "shape (3, 2)"]),
        ({"x": [*samples(2), *samples(1, 6)]}, ["Sample 2 of the input 'x'", "shape (6,)"]),
        ({"x": samples(1, 1, 2, 3)}, ["shape (1, 2, 3)"]),
        ({"x": [np.zeros((2, 3))]}, ["is float64", "not cast", ".astype(numpy.float32)"]),
        ({"x": [np.zeros((2, 3), np.int32)]}, ["is int32"]),
        ({"x": [np.zeros((2, 3), np.float16)]}, ["is float16"]),
        ({"x": [b"text"]}, ["shape ()"]),
    ],
)
def test_datasets_that_do_not_fit_the_model(
    tmp_path: Path, tensors: dict[str, Any], told: list[str]
) -> None:
    data = dataset(tmp_path / "d", tensors)
    with h5py.File(data, "a") as file:
        file.require_group("data")

    failure = get_failure(run_request(saved(linear_model(), tmp_path), data), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert [part for part in told if part not in failure.reason] == []
    assert not (tmp_path / "a" / "output_data.h5").exists()


def test_inputs_must_have_the_same_number_of_samples(tmp_path: Path) -> None:
    tensors = {"x": [np.zeros(2, np.float32)] * 2, "index": [np.array([0])]}

    failure = get_failure(
        run_request(two_inputs(tmp_path), dataset(tmp_path / "d", tensors)), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "'x': 2, 'index': 1" in failure.reason


def whole_dataset(path: Path) -> bytes:
    return dataset(path / "whole", {"x": samples(1)}).read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"text" * 1000,
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"TREE", b"BUSH"),
        lambda data: data.replace(b"HEAP", b"PILE"),
        lambda data: data.replace(b"SNOD", b"DONS"),
    ],
    ids=["empty", "text", "truncated", "no tree", "no heap", "no symbols"],
)
def test_damaged_datasets(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    (tmp_path / "d").write_bytes(spoil(whole_dataset(tmp_path)))

    failure = get_failure(
        run_request(saved(linear_model(), tmp_path), tmp_path / "d"), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "damaged" in failure.reason


def without_data(file: h5py.File) -> None:
    del file["data"]


def without_name(file: h5py.File) -> None:
    del file["data/0"].attrs["name"]


def name_is_a_number(file: h5py.File) -> None:
    file["data/0"].attrs["name"] = 5


def count_is_text(file: h5py.File) -> None:
    file["data/0"].attrs["batch_count"] = "many"


def count_is_too_high(file: h5py.File) -> None:
    file["data/0"].attrs["batch_count"] = 2**60


def count_is_negative(file: h5py.File) -> None:
    file["data/0"].attrs["batch_count"] = -1


def batch_is_a_group(file: h5py.File) -> None:
    del file["data/0/batch_0"]
    file.create_group("data/0/batch_0")


def tensor_is_no_group(file: h5py.File) -> None:
    file["data/1"] = np.zeros(3)


def batch_is_empty(file: h5py.File) -> None:
    del file["data/0/batch_0"]
    file["data/0/batch_0"] = h5py.Empty("f4")


def soft_link(file: h5py.File) -> None:
    file.move("data/0/batch_0", "elsewhere")
    file["data/0/batch_0"] = h5py.SoftLink("/elsewhere")


def external_link(file: h5py.File) -> None:
    del file["data/0/batch_0"]
    file["data/0/batch_0"] = h5py.ExternalLink("secret.h5", "/secret")


def external_group(file: h5py.File) -> None:
    del file["data/0"]
    file["data/0"] = h5py.ExternalLink("secret.h5", "/")


def external_storage(file: h5py.File) -> None:
    del file["data/0/batch_0"]
    file["data/0"].create_dataset("batch_0", (2, 3), "f4", external=[("/etc/passwd", 0, 24)])


def virtual(file: h5py.File) -> None:
    del file["data/0/batch_0"]
    layout = h5py.VirtualLayout((2, 3), "f4")
    layout[:] = h5py.VirtualSource("secret.h5", "secret", (2, 3))
    file["data/0"].create_virtual_dataset("batch_0", layout)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without_data, "/data is missing, or only a link"),
        (without_name, "lacks one of the attributes"),
        (name_is_a_number, "lacks one of the attributes"),
        (count_is_text, "lacks one of the attributes"),
        (count_is_too_high, "/data/0/batch_1 is missing, or only a link"),
        (count_is_negative, "no samples"),
        (batch_is_a_group, "/data/0/batch_0 must be a dataset"),
        (tensor_is_no_group, "/data/1 must be a group"),
        (batch_is_empty, "shape None"),
        (soft_link, "/data/0/batch_0 is missing, or only a link"),
        (external_link, "/data/0/batch_0 is missing, or only a link"),
        (external_group, "/data/0 is missing, or only a link"),
        (external_storage, "stores its data in another file"),
        (virtual, "stores its data in another file"),
    ],
)
def test_datasets_of_another_make(
    tmp_path: Path, spoil: Callable[[h5py.File], None], told: str
) -> None:
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["secret"] = np.zeros((2, 3), np.float32)
    data = dataset(tmp_path / "d", {"x": samples(1)})
    with h5py.File(data, "a") as file:
        spoil(file)

    failure = get_failure(run_request(saved(linear_model(), tmp_path), data), tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert told in failure.reason
