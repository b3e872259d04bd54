from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper
from support.tflite_engine import IMAGE, INDEX, LABEL, PIXELS, conv_net

from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.option_table import parse_job_options
from qai_hub.local.engine.qnn.target_check import Precision
from qai_hub.local.engine.tflite.plain_names import PlainNames
from qai_hub.local.engine.tflite.settings import TfliteSettings
from qai_hub.local.engine.tflite.strip import QuantizedRange, strip_quantizers

SAMPLE = {
    IMAGE: np.random.default_rng(2).standard_normal((1, 2, 4, 6)).astype(np.float32),
    INDEX: np.array([2]),
}


def run(model: onnx.ModelProto, sample: dict[str, Any] = SAMPLE) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, sample))


def count(model: onnx.ModelProto, op: str) -> int:
    return sum(node.op_type == op for node in model.graph.node)


def test_the_float_model_computes_what_the_quantized_one_approximates() -> None:
    quantized = conv_net(quantized=True)
    stripped = onnx.ModelProto.FromString(quantized.SerializeToString())

    strip_quantizers(stripped)

    assert [value.name for value in stripped.graph.output] == [PIXELS, LABEL]
    assert count(stripped, "QuantizeLinear") == count(stripped, "DequantizeLinear") == 0
    for before, after in zip(run(quantized), run(stripped), strict=True):
        np.testing.assert_allclose(after, before, atol=0.1)


def test_ranges_belong_to_the_tensors_of_the_float_model() -> None:
    model = conv_net(quantized=True)

    ranges = strip_quantizers(model)

    names = {value.name for value in model.graph.input}
    names |= {name for node in model.graph.node for name in node.output}
    assert ranges.keys() <= names
    assert {IMAGE, PIXELS, LABEL, "sums"} <= ranges.keys()
    assert ranges["sums"] == QuantizedRange(0.0, float(np.float32(4 / 255)) * 255, 8)


def test_clips_that_a_range_stands_for_are_there_again() -> None:
    model = conv_net(quantized=True)

    strip_quantizers(model)

    assert count(model, "Relu") == 1
    assert run(conv_net())[0].min() == pytest.approx(run(model)[0].min(), abs=0.1)


def test_weights_of_each_channel_are_multiples_of_its_scale() -> None:
    model = conv_net(quantized=True)
    scale = next(each for each in model.graph.initializer if each.name == "kernel_scale")
    scales = numpy_helper.to_array(scale).reshape(3, 1, 1, 1)

    strip_quantizers(model)

    kernel = next(each for each in model.graph.initializer if each.name == "kernel")
    steps = numpy_helper.to_array(kernel) / scales
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)


def test_models_that_compute_with_integers_are_refused() -> None:
    model = conv_net(quantized=True)
    user = helper.make_node("Cast", ["sums_q"], ["bytes"], to=onnx.TensorProto.FLOAT)
    model.graph.node.append(user)

    with pytest.raises(JobFailure, match=r"'sums_q' goes to Cast"):
        strip_quantizers(model)


def test_plain_names_are_the_users_names_again() -> None:
    model = conv_net()
    before = run(model)

    names = PlainNames(model)

    plain = [value.name for value in model.graph.input]
    assert all(name.startswith("t") and name[1:].isdigit() for name in plain)
    assert [names.restore(name) for name in plain] == [IMAGE, INDEX]
    assert names.restore(f"{plain[0]}_nhwc") == f"{IMAGE}_nhwc"
    assert names.restore("serving_default") == "serving_default"
    after = run(model, dict(zip(plain, SAMPLE.values(), strict=True)))
    np.testing.assert_array_equal(before[0], after[0])


@pytest.mark.parametrize(
    ("options", "precision", "expected"),
    [
        ("", Precision(0, 0), ""),
        ("", Precision(8, 8), ""),
        ("--quantize_io", Precision(8, 8), "int8"),
        ("--quantize_io --quantize_io_type uint8", Precision(8, 8), "uint8"),
        ("--quantize_io", Precision(8, 16), "int16"),
    ],
)
def test_types_of_inputs_and_outputs(options: str, precision: Precision, expected: str) -> None:
    settings = TfliteSettings.from_options(parse_job_options(options, "compile").values)

    assert settings.choose_port_type(precision) == expected


@pytest.mark.parametrize(
    ("options", "precision", "reason"),
    [
        ("--quantize_io", Precision(0, 0), "computes with floats"),
        ("--quantize_io_type uint8", Precision(8, 8), "needs --quantize_io"),
        ("--quantize_io --quantize_io_type int8", Precision(8, 16), "are int16"),
        ("--quantize_weight_type float16", Precision(8, 8), "cannot have weights of 16-bit"),
        ("--quantize_full_type float16", Precision(8, 16), "cannot have weights of 16-bit"),
    ],
)
def test_types_that_do_not_fit_are_refused(options: str, precision: Precision, reason: str) -> None:
    values = parse_job_options(options, "compile").values

    with pytest.raises(JobFailure, match=reason):
        TfliteSettings.from_options(values).choose_port_type(precision)
