"""Detectors that join boxes and scores, whose ranges are far apart, and take them apart again."""

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, build_model

from qai_hub.client import Client


def detector(apart: list[onnx.NodeProto]) -> onnx.ModelProto:
    """A model that joins boxes and scores of two levels, and whose outputs they are."""
    nodes = [
        helper.make_node("Mul", ["x", "pixels"], ["near boxes"]),
        helper.make_node("Mul", ["z", "pixels"], ["far boxes"]),
        helper.make_node("Sigmoid", ["x"], ["near scores"]),
        helper.make_node("Sigmoid", ["z"], ["far scores"]),
        helper.make_node("Concat", ["near boxes", "near scores"], ["near"], axis=2),
        helper.make_node("Concat", ["far boxes", "far scores"], ["far"], axis=-1),
        helper.make_node("Concat", ["near", "far"], ["all"], axis=1),
        *apart,
    ]
    constants = {
        "pixels": np.float32(640),
        "zero": np.array([0], np.int64),
        "four": np.array([4], np.int64),
        "eight": np.array([8], np.int64),
        "two": np.array([2], np.int64),
        "sizes": np.array([4, 4], np.int64),
    }
    each = {name: (FLOAT, [1, 16, 4]) for name in ("boxes", "scores")}
    return build_model(nodes, {name: (FLOAT, [1, 8, 4]) for name in "xz"}, each, constants)


SLICES = [
    helper.make_node("Slice", ["all", "zero", "four", "two"], ["boxes"]),
    helper.make_node("Slice", ["all", "four", "eight", "two"], ["scores"]),
]
SPLIT = [helper.make_node("Split", ["all", "sizes"], ["boxes", "scores"], axis=2)]


@pytest.mark.parametrize("apart", [SLICES, SPLIT], ids=["slices", "split"])
def test_scores_beside_boxes_keep_a_scale_of_their_own(
    client: Client, apart: list[onnx.NodeProto]
) -> None:
    model = detector(apart)
    random = np.random.default_rng(0)
    data = {
        name: [random.standard_normal((1, 8, 4)).astype(np.float32) for _ in range(4)]
        for name in "xz"
    }

    job = client.submit_quantize_job(model, data)

    assert job.wait(60).success, job.get_status().message
    psnr = job.get_psnr()
    assert psnr is not None
    assert min(psnr.values()) > 35, psnr
