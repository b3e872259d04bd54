"""Layers that `--lite_mp` keeps more precise: weights of 16 bits, and 16-bit floats."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from support.execution_models import (
    FLOAT,
    build_model,
    compile_request,
    conv_net,
    dataset,
    execute,
    get_failure,
    offset_model,
    quantize_request,
    run_onnx,
    samples,
    saved,
)

from qai_hub.local.engine.attempt import AttemptRequest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.protocol import Soc
from qai_hub.local.engine.quantize.raised_layers import convert_to_half

IMAGES = {"x": samples(4, 1, 3, 16, 16)}
ROWS = {"x": samples(4, 1, 8, 8)}
CHIP = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
INTEGERS = Soc(name="old", soc_model=30, hexagon=68, fp16=False, weight_sharing=False)


def raising(
    folder: Path, model: onnx.ModelProto, inputs: Any, activations: str, options: str
) -> AttemptRequest:
    folder.mkdir()
    data = dataset(folder / "d", inputs)
    return replace(
        quantize_request(saved(model, folder), data, "INT8", activations), options=options
    )


def quantized(
    folder: Path, model: onnx.ModelProto, inputs: Any, activations: str, override: str = ""
) -> tuple[float, Path]:
    """The PSNR of the output y, and the target model."""
    options = f"--lite_mp 'percentage=25;override_qtype={override}'" if override else ""
    report = execute(raising(folder, model, inputs, activations, options), folder / "a")
    return report.result["psnr"]["y"], folder / "a" / report.files["target_model"]


def count_types(path: Path) -> Counter[str]:
    """How many constants of a model have which type."""
    return Counter(
        onnx.TensorProto.DataType.Name(each.data_type) for each in onnx.load(path).graph.initializer
    )


@pytest.mark.parametrize(
    ("model", "inputs", "activations", "override", "gain"),
    [
        (offset_model, ROWS, "INT16", "int16", 5),
        (offset_model, ROWS, "INT16", "fp16", 5),
        (offset_model, ROWS, "INT8", "fp16", 5),
        (conv_net, IMAGES, "INT16", "fp16", 3),
        (conv_net, IMAGES, "INT8", "fp16", 3),
    ],
)
def test_layers_that_cost_most_get_more_precise(
    tmp_path: Path, model: Any, inputs: Any, activations: str, override: str, gain: float
) -> None:
    before, _ = quantized(tmp_path / "plain", model(), inputs, activations)
    after, target = quantized(tmp_path / "raised", model(), inputs, activations, override)

    assert after > before + gain
    onnx.checker.check_model(onnx.load(target), full_check=True)
    types = count_types(target)
    assert types["INT16" if override == "int16" else "FLOAT16"] > 0
    # The others are as before.
    assert types["UINT8" if activations == "INT8" else "UINT16"] > 0
    sample = {name: tensors[0] for name, tensors in inputs.items()}
    (y,) = run_onnx(target, **sample)
    assert y.dtype == np.float32


def test_weights_of_16_bits_have_one_scale(tmp_path: Path) -> None:
    _, target = quantized(tmp_path / "raised", conv_net(), IMAGES, "INT16", "int16")

    model = onnx.load(target)
    constants = {each.name: each for each in model.graph.initializer}
    scales = [
        list(constants[node.input[1]].dims)
        for node in model.graph.node
        if node.op_type == "DequantizeLinear"
        and node.input[0] in constants
        and constants[node.input[0]].data_type == onnx.TensorProto.INT16
    ]
    assert scales == [[]]


def test_constants_beyond_the_range_of_half_floats_become_its_ends() -> None:
    nodes = [helper.make_node("Mul", ["x", "much"], ["y"], name="multiply")]
    ports = {"x": (FLOAT, [2])}, {"y": (FLOAT, [2])}
    model = build_model(nodes, *ports, {"much": np.array([1e6, -1e6], np.float32)})

    convert_to_half(model, ["multiply"])

    (constant,) = model.graph.initializer
    np.testing.assert_array_equal(numpy_helper.to_array(constant), [65504, -65504])


def test_a_model_whose_layers_have_no_weights_gets_no_wider_ones(tmp_path: Path) -> None:
    nodes = [helper.make_node("Softmax", ["x"], ["y"], name="softmax")]
    model = build_model(nodes, {"x": (FLOAT, [1, 8, 8])}, {"y": (FLOAT, [1, 8, 8])})
    options = "--lite_mp 'percentage=20;override_qtype=int16'"

    failure = get_failure(raising(tmp_path / "m", model, ROWS, "INT16", options), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "no layer of the model can be more precise" in failure.reason


def test_something_must_stay_quantized(tmp_path: Path) -> None:
    options = "--lite_mp 'percentage=100;override_qtype=fp16'"
    asked = raising(tmp_path / "m", offset_model(), ROWS, "INT8", options)

    failure = get_failure(asked, tmp_path / "a")

    assert failure.failure_type is FailureType.INVALID_ARGUMENT
    assert failure.reason == (
        "With --lite_mp, all layers of the model would be floats: give a smaller percentage."
    )


def test_other_types_are_unsupported(tmp_path: Path) -> None:
    options = "--lite_mp 'percentage=20;override_qtype=int32'"
    asked = raising(tmp_path / "m", offset_model(), ROWS, "INT8", options)

    failure = get_failure(asked, tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert "Supported: override_qtype=int16|fp16." in failure.reason


@pytest.mark.parametrize("override", ["int16", "fp16"])
def test_the_htp_computes_such_layers(tmp_path: Path, override: str) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="needs the extra [qnn]")
    _, target = quantized(tmp_path / "raised", offset_model(), ROWS, "INT16", override)
    request = compile_request(target, options="--target_runtime qnn_context_binary")
    asked = replace(request, soc=CHIP, check_target=True)

    report = execute(asked, tmp_path / "a")

    assert report.result["target_check"]["status"] == "TARGET_CHECK_STATUS_CLOSE"


def test_a_chip_of_integers_has_no_layers_in_floats(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="needs the extra [qnn]")
    _, target = quantized(tmp_path / "raised", conv_net(), IMAGES, "INT16", "fp16")
    request = compile_request(target, options="--target_runtime qnn_context_binary")

    failure = get_failure(replace(request, soc=INTEGERS), tmp_path / "a")

    assert failure.failure_type is FailureType.UNSUPPORTED
    assert failure.reason == (
        "The HTP of old supports integers only, and layers of the model are kept in 16-bit floats: "
        "quantize it without override_qtype=fp16."
    )
