"""AIMET models that cannot be used, and what the job says."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from support.aimet_models import (
    Affine,
    aimet_archive,
    aimet_request,
    encodings,
    first,
    matmul_model,
    second,
)
from support.execution_models import build_model, get_failure, linear_model, saved

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.importers.aimet import open_aimet

X = Affine([0.1], [-128], 8)
BROKEN: dict[str, tuple[dict[str, Any], FailureType, str]] = {
    "bits": (first("x", X) | {"bw": 7}, FailureType.UNSUPPORTED, "'x' has 7 bits"),
    "block": (
        first("w", X) | {"enc_type": "LPBQ"},
        FailureType.UNSUPPORTED,
        "'w' has the type LPBQ",
    ),
    "shift": (first("w", X) | {"zero_point_shift": [0.5]}, FailureType.UNSUPPORTED, "fraction"),
    "unknown": (
        first("nobody", X),
        FailureType.MODEL_INVALID,
        "does not belong to a tensor",
    ),
    "zero": (first("x", X) | {"scale": [0.0]}, FailureType.UNSUPPORTED, "not a positive number"),
    "vanishing": (first("x", X) | {"scale": [1e-60]}, FailureType.UNSUPPORTED, "float32"),
    "nan": (first("x", X) | {"scale": [float("nan")]}, FailureType.UNSUPPORTED, "not a positive"),
    "no 0": (
        first("x", X) | {"offset": [5]},
        FailureType.UNSUPPORTED,
        "not include 0",
    ),
    "lengths": (first("x", X) | {"offset": [0, 0]}, FailureType.MODEL_INVALID, "as many offsets"),
    "no name": ({"bw": 8}, FailureType.MODEL_INVALID, "'' has no 'dtype'"),
    "no width": ({"name": "x"}, FailureType.MODEL_INVALID, "'x' has no 'bw'"),
    "text": (first("x", X) | {"scale": ["a"]}, FailureType.MODEL_INVALID, "'x' is malformed"),
    "many": (first("x", X) | {"scale": [1, 1]}, FailureType.MODEL_INVALID, "2 scales"),
    "32 bits": (
        first("x", Affine([0.1], [-(2**31)], 32)),
        FailureType.UNSUPPORTED,
        "'x' has 32 bits and is not for a weight",
    ),
    "channels": (
        first("x", Affine([0.1, 0.2, 0.3], [0] * 3, 8)),
        FailureType.UNSUPPORTED,
        "'x' has several scales",
    ),
    "channels of another weight": (
        first("w", Affine([0.1] * 5, [-128] * 5, 8)),
        FailureType.MODEL_INVALID,
        "5 scales along dimension",
    ),
    "float8": (
        {"name": "x", "dtype": "FLOAT", "bw": 8, "enc_type": "PER_TENSOR"},
        FailureType.UNSUPPORTED,
        "floats of 8 bits",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_done_is_named(tmp_path: Path, name: str) -> None:
    encoding, failure_type, told = BROKEN[name]
    content = {"version": "1.0.0", "activation_encodings": [encoding], "param_encodings": []}

    failure = get_failure(
        aimet_request(
            aimet_archive(tmp_path / "m", matmul_model(np.ones((3, 4), np.float32)), content)
        ),
        tmp_path / "a",
    )

    assert failure.failure_type is failure_type
    assert told in failure.reason


BROKEN_SECOND: dict[str, tuple[dict[str, Any], str]] = {
    "int2": (second("w", X) | {"output_dtype": "int2"}, "has 2 bits"),
    "float8": (second("w", X) | {"output_dtype": "float8e4m3fn"}, "does not support"),
    "blocks": (second("w", X) | {"block_size": 2, "axis": 1}, "per block"),
    "meta": (second("w", X) | {"y_scale": {"x": [1], "x_scale": 1}}, "per block"),
    "half": (second("w", X) | {"y_zero_point": -0.5}, "not a whole number"),
    "axis": (second("w", Affine([0.1] * 4, [0] * 4, 8, axis=2)), "along dimension 2"),
}


@pytest.mark.parametrize("name", BROKEN_SECOND)
def test_what_cannot_be_done_of_the_second_version(tmp_path: Path, name: str) -> None:
    encoding, told = BROKEN_SECOND[name]
    model = matmul_model(np.ones((3, 4), np.float32))
    content = {"version": "2.0.0", "encodings": [encoding]}

    with pytest.raises(JobFailure) as caught:
        open_aimet(aimet_archive(tmp_path / "m", model, content), tmp_path)

    assert "The AIMET encoding of 'w'" in caught.value.reason
    assert told in caught.value.reason


def test_a_range_that_leaves_a_value_out_is_refused(tmp_path: Path) -> None:
    content = encodings("0.6.1", {"x": Affine([0.1], [-127], 8)}, {})
    content["activation_encodings"]["x"][0]["max"] = 12.7

    failure = get_failure(
        aimet_request(aimet_archive(tmp_path / "m", linear_model(), content)), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "'x' has a range of 254.0 steps, but 8 bits have 255" in failure.reason


@pytest.mark.parametrize(
    ("content", "failure_type"),
    [
        (b"", FailureType.MODEL_CORRUPT),
        (b"[" * 100_000, FailureType.MODEL_CORRUPT),
        (b"\xff\xfe", FailureType.MODEL_CORRUPT),
        ([], FailureType.MODEL_INVALID),
        ({"version": "1.0.0"}, FailureType.MODEL_INVALID),
        ({"version": "2.0.0", "activation_encodings": []}, FailureType.MODEL_INVALID),
        ({"activation_encodings": ["x"], "param_encodings": []}, FailureType.MODEL_INVALID),
        ({"activation_encodings": {"x": 1}, "param_encodings": {}}, FailureType.MODEL_INVALID),
        ({"activation_encodings": {"x": []}, "param_encodings": {}}, FailureType.MODEL_INVALID),
    ],
)
def test_damaged_encodings(tmp_path: Path, content: object, failure_type: FailureType) -> None:
    failure = get_failure(
        aimet_request(aimet_archive(tmp_path / "m", linear_model(), content)), tmp_path / "a"
    )

    assert failure.failure_type is failure_type
    assert "ncoding" in failure.reason


def test_an_encoding_that_comes_twice(tmp_path: Path) -> None:
    content = encodings("1.0.0", {"x": X}, {"x": X})

    failure = get_failure(
        aimet_request(aimet_archive(tmp_path / "m", linear_model(), content)), tmp_path / "a"
    )

    assert "'x' is repeated" in failure.reason


KEYS = (
    *("version", "activation_encodings", "param_encodings", "encodings", "name", "x", "bw"),
    *("dtype", "enc_type", "scale", "offset", "y_scale", "output_dtype"),
)


@settings(deadline=None, max_examples=60)
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=6,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_the_encodings_hold_the_job_ends_with_a_reason(content: object) -> None:
    with TemporaryDirectory() as folder:
        archive = aimet_archive(Path(folder) / "m", linear_model(), content)
        try:
            open_aimet(archive, Path(folder))
        except JobFailure as failure:
            assert failure.reason


def test_without_encodings_it_is_no_aimet_model(tmp_path: Path) -> None:
    failure = get_failure(aimet_request(saved(linear_model(), tmp_path)), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "one .encodings file beside" in failure.reason


def test_a_tensor_of_integers_is_not_quantized(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    ports = {"x": (TensorProto.INT64, [2])}, {"y": (TensorProto.INT64, [2])}
    model = build_model(nodes, *ports, {"w": np.array([1, 2])})

    for name in ("x", "w"):
        archive = aimet_archive(tmp_path / name, model, encodings("1.0.0", {name: X}, {}))
        failure = get_failure(aimet_request(archive), tmp_path / f"a{name}")
        assert failure.failure_type is FailureType.UNSUPPORTED
        assert f"{name!r} is for a" in failure.reason
        assert "not float32" in failure.reason


def test_a_model_that_is_not_valid(tmp_path: Path) -> None:
    model = linear_model()
    tensor = model.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-1]
    archive = aimet_archive(tmp_path / "m", model, encodings("1.0.0", {}, {"w": X}))

    failure = get_failure(aimet_request(archive), tmp_path / "a")

    assert failure.failure_type is FailureType.MODEL_INVALID
    assert "not valid ONNX" in failure.reason
