"""Operators that QNN lacks are named, or left to the CPU where the target allows for it."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from support.execution_models import FLOAT, branching_model, build_model
from support.qnn import (
    BINARY,
    DLC,
    GEN_3,
    INTEGERS,
    PRECOMPILED,
    RUNTIMES,
    agreement,
    compiled,
    on_cpu,
    other_notices,
    refused,
    simulated,
    target_of,
    with_operator,
)

from qai_hub.client import Client, Device, QuantizeDtype

X = {"x": [np.random.default_rng(1).standard_normal((1, 8, 8)).astype(np.float32)]}
LACKING = {"Erf": with_operator("Erf"), "Det": with_operator("Det", out=(1,))}


@pytest.mark.parametrize(("op", "runtime"), [("Erf", BINARY), ("Det", DLC)])
def test_operators_that_qnn_lacks_are_named(client: Client, op: str, runtime: str) -> None:
    cause, reason = refused(client, LACKING[op], runtime)
    assert cause == "UNSUPPORTED"
    assert reason == (
        f"QNN does not support these operators of the model: {op} ('odd'). Replace them, "
        "or compile with --target_runtime precompiled_qnn_onnx, where the CPU runs what the "
        "HTP cannot."
    )


@pytest.mark.parametrize("op", LACKING)
def test_the_cpu_runs_them_in_a_precompiled_model(client: Client, op: str) -> None:
    job = compiled(client, LACKING[op], PRECOMPILED)
    notice, _ = job.notices
    assert (notice.severity, notice.context) == ("WARNING", "MODEL")
    assert notice.message == f"The CPU runs {op} ('odd'), which the HTP does not support."

    _, outputs = simulated(client, target_of(job), X)

    assert agreement(on_cpu(LACKING[op].SerializeToString(), X), outputs)["y"] > 45


def test_a_profile_tells_which_layers_the_cpu_runs(client: Client, tmp_path: object) -> None:
    made = target_of(compiled(client, LACKING["Erf"], PRECOMPILED))
    job = client.submit_inference_job(made, GEN_3, options="--compute_unit npu,cpu")

    profile = job.get_profile()

    assert profile is not None, job.get_status().message
    found = [(layer.name, layer.type, layer.compute_unit) for layer in profile.layers]
    assert found == [("before", "MatMul", "NPU"), ("odd", "Erf", "CPU"), ("after", "Relu", "NPU")]
    timed = [layer.name for layer in profile.layers if layer.execution_time is not None]
    assert timed == ["odd"]
    assert {name: unit.layers for name, unit in profile.compute_units.items()} == {
        "NPU": 2,
        "CPU": 1,
    }
    assert not [n for n in job.notices if "ran on" in n.message]


def test_a_model_of_which_the_htp_runs_nothing(client: Client) -> None:
    nodes = [helper.make_node("Erf", ["x"], ["y"], name="odd")]
    model = build_model(nodes, {"x": (FLOAT, [1, 4])}, {"y": (FLOAT, [1, 4])})
    cause, reason = refused(client, model, PRECOMPILED)
    assert cause == "UNSUPPORTED"
    assert reason.startswith("The HTP supports no operator of this model")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_control_flow_is_refused(client: Client, runtime: str) -> None:
    cause, reason = refused(client, branching_model(), runtime)
    assert cause == "UNSUPPORTED"
    assert reason.startswith("QNN does not support control flow, and the model has If ('choice'): ")


def test_operators_that_are_functions_of_others(client: Client) -> None:
    ops = ("Mish", "HardSwish", "Celu")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        *(helper.make_node(op, ["a"], [op]) for op in ops),
    ]
    weight = np.random.default_rng(5).standard_normal((8, 8)).astype(np.float32)
    outputs = {op: (FLOAT, [1, 8, 8]) for op in ops}
    model = build_model(nodes, {"x": (FLOAT, [1, 8, 8])}, outputs, {"w": weight})
    model.opset_import[0].version = 18

    assert min(closeness(client, model, X["x"][0]).values()) > 45
    compiled(client, model, DLC)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_products_that_qnn_would_compute_wrongly(client: Client, runtime: str) -> None:
    """QNN makes an operator of its own of x * HardSigmoid(x), which forgets the product."""
    gate: dict[str, Any] = {"alpha": 1 / 6, "beta": 0.5}
    nodes = []
    for name, factors in (("y", ("x", "gate of y")), ("z", ("gate of z", "x"))):
        nodes += [
            helper.make_node("HardSigmoid", ["x"], [f"gate of {name}"], **gate),
            helper.make_node("Mul", factors, [name], name=f"product {name}"),
        ]
    shape = (FLOAT, [1, 8, 8])
    model = build_model(nodes, {"x": shape}, {"y": shape, "z": shape})

    _, outputs = simulated(client, target_of(compiled(client, model, runtime)), X)

    assert min(agreement(on_cpu(model.SerializeToString(), X), outputs).values()) > 45


EDGES: dict[str, Any] = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
SIZES: dict[str, Any] = {"": (), "s": np.array([1, 1, 2, 2], np.float32)}
FORMS: dict[bool, list[tuple[str, dict[str, Any]]]] = {
    False: [("Pad", {"mode": "edge"}), ("Resize", {"nearest_mode": "floor"})],
    True: [
        ("Pad", {"mode": "reflect"}),
        (
            "Resize",
            {"nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        ),
    ],
}


@pytest.mark.parametrize("right", FORMS)
def test_operators_that_qnn_computes_wrongly_are_told_of(client: Client, right: bool) -> None:
    more = {"Pad": EDGES, "Resize": SIZES}
    nodes = [
        helper.make_node(op, ["x", *more[op]], [op], name=f"odd {op}", **values)
        for op, values in FORMS[right]
    ]
    outputs = {"Pad": (FLOAT, [1, 1, 10, 10]), "Resize": (FLOAT, [1, 1, 16, 16])}
    weights = EDGES | {"s": SIZES["s"]}
    model = build_model(nodes, {"x": (FLOAT, [1, 1, 8, 8])}, outputs, weights)
    image = {"x": [X["x"][0][None]]}

    job = compiled(client, model, BINARY)

    named = "Resize ('odd Resize'), Pad ('odd Pad')"
    told = f"QNN may compute {named} incorrectly: compare the outputs."
    assert other_notices(job) == [told] * (not right)
    _, found = simulated(client, target_of(job), image)
    decibels = agreement(on_cpu(model.SerializeToString(), image), found)
    # Once QNN computes them as it should, there is nothing to tell any more.
    assert [each > 45 for each in decibels.values()] == [right] * 2, decibels


def closeness(client: Client, model: onnx.ModelProto, x: Any) -> dict[str, float]:
    """The PSNR of each output of a context binary, which was made without a warning."""
    job = compiled(client, model, BINARY)
    assert other_notices(job) == []
    _, outputs = simulated(client, target_of(job), {"x": [x]})
    return agreement(on_cpu(model.SerializeToString(), {"x": [x]}), outputs)


def test_activations_of_large_numbers(client: Client) -> None:
    """The HTP's exponential functions are arbitrary below -88, its Atan from 60000 on."""
    x = np.array([-60000, -1000, -300, -100, -89, -80, -3, 0, 2, 4, 60000], np.float32)[None]
    nodes = [
        helper.make_node("Clip", ["x", "", "four"], ["low"]),
        *(helper.make_node(op, ["low"], [op]) for op in ("Exp", "Softplus")),
        helper.make_node("Atan", ["x"], ["Atan"]),
    ]
    ports = {"x": (FLOAT, [1, 11])}, {op: (FLOAT, [1, 11]) for op in ("Exp", "Softplus", "Atan")}
    model = build_model(nodes, *ports, {"four": np.float32(4)})

    assert min(closeness(client, model, x).values()) > 45


def test_activations_after_convolutions_are_not_coarse(client: Client) -> None:
    # Merged with the Conv, they have 54, 47, 65 and 65 dB.
    least = {"Sigmoid": 65, "Tanh": 65, "Gelu": 70, "parts of Gelu": 70}
    nodes = []
    for name in least:
        nodes += [
            helper.make_node("Conv", ["x", "w"], [f"c {name}"]),
            helper.make_node("Transpose", [f"c {name}"], [f"t {name}"], perm=[0, 2, 3, 1]),
        ]
    nodes += [helper.make_node(op, [f"t {op}"], [op]) for op in ("Sigmoid", "Tanh", "Gelu")]
    nodes += [
        helper.make_node("Div", ["t parts of Gelu", "root"], ["scaled"]),
        helper.make_node("Erf", ["scaled"], ["erf"]),
        helper.make_node("Add", ["erf", "one"], ["share"]),
        helper.make_node("Mul", ["t parts of Gelu", "share"], ["product"]),
        helper.make_node("Mul", ["product", "half"], ["parts of Gelu"]),
    ]
    weights = {
        "w": np.ones((1, 1, 1, 1), np.float32),
        "root": np.float32(2**0.5),
        "one": np.float32(1),
        "half": np.float32(0.5),
    }
    outputs = dict.fromkeys(least, (FLOAT, [1, 8, 8, 1]))
    model = build_model(nodes, {"x": (FLOAT, [1, 1, 8, 8])}, outputs, weights)
    model.opset_import[0].version = 20
    x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(1, 1, 8, 8)

    found = closeness(client, model, x)

    assert all(found[name] > bound for name, bound in least.items()), found


def test_sigmoids_of_rare_classes(client: Client) -> None:
    """The HTP's Sigmoid has steps of 0.00024, which is that of -8."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["s"]),
        helper.make_node("Concat", ["c", "s"], ["y"], axis=1),
        helper.make_node("Sigmoid", ["x"], ["d"]),
        helper.make_node("ReduceMean", ["d"], ["z"], axes=[1]),
    ]
    ports = (
        {"x": (FLOAT, [1, 1, 8, 8])},
        {"y": (FLOAT, [1, 2, 8, 8]), "z": (FLOAT, [1, 1, 8, 8])},
    )
    model = build_model(nodes, *ports, {"w": np.ones((1, 1, 1, 1), np.float32)})
    x = np.linspace(-9, 9, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    x[..., -1, -2:] = -1000, 1000

    _, outputs = simulated(client, target_of(compiled(client, model, BINARY)), {"x": [x]})

    expected = on_cpu(model.SerializeToString(), {"x": [x]})["z"][0]
    for actual in (outputs["y"][0][:, 1:], outputs["z"][0]):
        np.testing.assert_allclose(actual, expected, rtol=0.01, atol=1e-7)


def test_operators_of_old_opsets(client: Client) -> None:
    """QNN's provider ignores limits of a Clip that are attributes, and resizes in the later way."""
    nodes = [
        helper.make_node("Clip", ["x"], ["clipped"], min=-0.5, max=0.75),
        helper.make_node("Resize", ["x", "scales"], ["resized"], mode="linear"),
    ]
    ports = (
        {"x": (FLOAT, [1, 1, 8, 8])},
        {"clipped": (FLOAT, [1, 1, 8, 8]), "resized": (FLOAT, [1, 1, 16, 16])},
    )
    model = build_model(nodes, *ports, {"scales": np.array([1, 1, 2, 2], np.float32)})
    model.opset_import[0].version = 10

    assert min(closeness(client, model, X["x"][0][None]).values()) > 45


POOLS: dict[str, tuple[dict[str, Any], int]] = {
    "excluded": ({"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}, 8),
    "included": ({"kernel_shape": [2, 2], "pads": [1] * 4, "count_include_pad": 1}, 9),
    "beyond": ({"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, 4),
    "crashing": ({"kernel_shape": [7, 7], "pads": [0, 0, 1, 1]}, 3),
}


def test_averages_at_edges(client: Client) -> None:
    """The HTP computes the first ones wrongly, and ends the process at the last."""
    nodes = [
        helper.make_node("AveragePool", ["x"], [name], **how) for name, (how, _) in POOLS.items()
    ]
    outputs = {name: (FLOAT, [1, 32, size, size]) for name, (_, size) in POOLS.items()}
    model = build_model(nodes, {"x": (FLOAT, [1, 32, 8, 8])}, outputs)
    x = np.random.default_rng(2).random((1, 32, 8, 8), np.float32)

    assert min(closeness(client, model, x).values()) > 45


def test_weights_that_operators_use_in_different_ways(client: Client) -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["a"]),
        helper.make_node("Gemm", ["a", "w"], ["b"], transB=1),
        helper.make_node("MatMul", ["b", "w"], ["y"]),
    ]
    weight = np.random.default_rng(4).normal(0, 0.3, (8, 8)).astype(np.float32)
    model = build_model(nodes, {"x": (FLOAT, [8, 8])}, {"y": (FLOAT, [8, 8])}, {"w": weight})
    rows = {"x": [X["x"][0][0]]}

    _, outputs = simulated(client, target_of(compiled(client, model, BINARY)), rows)

    # With one copy of the weights, it would be 10 dB.
    assert agreement(on_cpu(model.SerializeToString(), rows), outputs)["y"] > 45


def odd_network() -> onnx.ModelProto:
    """Outputs of operators in forms that QNN refuses or computes wrongly, of x[1, 8, 8, 8]."""
    square, flat = [3, 3], [[8, 8, 8], [8, 8]]
    doubled: dict[str, Any] = {"strides": [2, 2], "output_padding": [1, 1], "group": 8}
    odd = [
        ("ConvTranspose", {"pads": [1] * 4, **doubled}, [[8, 1, *square]], 16),
        ("ConvTranspose", doubled, [[8, 1, *square], [8]], 18),
        ("Conv", {"pads": [4, 3, 0, 0]}, [[8, 8, *square]], (10, 9)),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [1] * 4, "count_include_pad": 1}, [], 9),
        ("AveragePool", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"}, [], 8),
        ("LayerNormalization", {"axis": 1}, [flat[0], flat[0]], 8),
        ("LayerNormalization", {"axis": 2}, [flat[1]], 8),
    ]
    random = np.random.default_rng(4)
    nodes, outputs = [], {}
    weights: dict[str, Any] = {}
    for index, (op, settings, shapes, size) in enumerate(odd):
        named = {f"w{index}_{number}": shape for number, shape in enumerate(shapes)}
        weights |= {n: random.normal(0, 0.3, each).astype(np.float32) for n, each in named.items()}
        nodes.append(
            helper.make_node(op, ["x", *named], [f"y{index}"], name=f"n{index}", **settings)
        )
        image = size if isinstance(size, tuple) else (size, size)
        outputs[f"y{index}"] = (FLOAT, [1, 8, *image])
    return build_model(nodes, {"x": (FLOAT, [1, 8, 8, 8])}, outputs, weights)


def splitting_network() -> onnx.ModelProto:
    """Sums of two convolutions of x[1, 8, 8, 8], each with an activation that is split."""
    kernels = {
        **{f"w{index}": [64, 8, 1, 1] for index in range(4)},
        "halves": [64, 32, 1, 1],
        "slopes": [64, 1, 1],
    }
    random = np.random.default_rng(4)
    weights = {n: random.normal(0, 0.3, each).astype(np.float32) for n, each in kernels.items()}
    steps: list[tuple[str, list[str], list[str], dict[str, Any]]] = [
        *(("Conv", ["x", f"w{index}"], [f"c{index}"], {}) for index in range(4)),
        *(("Add", [f"c{index}", "c3"], [f"sum{index}"], {}) for index in range(3)),
        ("PRelu", ["sum0", "slopes"], ["p"], {}),
        ("Conv", ["p", "halves"], ["y0"], {"group": 2}),
        ("LeakyRelu", ["sum1"], ["l"], {"alpha": 0.25}),
        ("Split", ["l"], ["y1", "y2"], {"axis": 1}),
        ("Sigmoid", ["sum2"], ["s"], {}),
        ("Mul", ["s", "sum2"], ["m"], {}),
        ("ConvTranspose", ["m", "halves"], ["y3"], {"group": 2}),
    ]
    nodes = [
        helper.make_node(op, inputs, outputs, name=f"n{index}", **settings)
        for index, (op, inputs, outputs, settings) in enumerate(steps)
    ]
    sizes = {"y0": 64, "y1": 32, "y2": 32, "y3": 64}
    outputs = {name: (FLOAT, [1, size, 8, 8]) for name, size in sizes.items()}
    return build_model(nodes, {"x": (FLOAT, [1, 8, 8, 8])}, outputs, weights)


NETWORKS = {"odd": odd_network, "splitting": splitting_network}
IMAGES = {"x": [np.random.default_rng(1).normal(size=(1, 8, 8, 8)).astype(np.float32)]}


@pytest.mark.parametrize("network", NETWORKS)
def test_forms_of_operators_that_qnn_refuses_or_computes_wrongly(
    client: Client, network: str
) -> None:
    model = NETWORKS[network]()

    _, outputs = simulated(client, target_of(compiled(client, model, BINARY)), IMAGES)

    # Left as they are, most would be 8 to 19 dB, and the first model would be refused.
    decibels = agreement(on_cpu(model.SerializeToString(), IMAGES), outputs)
    assert min(decibels.values()) > 45, decibels


@pytest.mark.parametrize("device", [GEN_3, INTEGERS])
@pytest.mark.parametrize("network", NETWORKS)
def test_quantized_forms_of_them(quick_client: Client, device: Device, network: str) -> None:
    quantized = target_of(quick_client.submit_quantize_job(NETWORKS[network](), IMAGES))

    check = compiled(quick_client, quantized, BINARY, device).get_target_check()

    assert check is not None
    assert check.status == "CLOSE", check.reason
    assert min(output.psnr or 100 for output in check.outputs) > 40, check.outputs


def test_mish_of_negative_numbers_with_16_bits(client: Client) -> None:
    nodes = [helper.make_node("Mish", ["x"], ["y"], name="odd")]
    model = build_model(nodes, {"x": (FLOAT, [1, 8, 8])}, {"y": (FLOAT, [1, 8, 8])})
    model.opset_import[0].version = 18
    data = {"x": [-8 * np.random.default_rng(1).random((1, 8, 8), np.float32)]}
    quantized = client.submit_quantize_job(
        model, data, activations_dtype=QuantizeDtype.INT16, weights_dtype=QuantizeDtype.INT8
    )

    check = compiled(client, target_of(quantized), BINARY).get_target_check()

    assert check is not None
    # By Tanh and Softplus, it would be 35 dB.
    assert (check.outputs[0].psnr or 0) > 60


def test_a_quantized_pool_that_qnn_computes_wrongly_is_told_of(client: Client) -> None:
    pool = helper.make_node("AveragePool", ["x"], ["y"], "odd", kernel_shape=[3, 3], pads=[2] * 4)
    model = build_model([pool], {"x": (FLOAT, [1, 8, 8, 8])}, {"y": (FLOAT, [1, 8, 10, 10])})
    quantized = target_of(client.submit_quantize_job(model, IMAGES))

    job = compiled(client, quantized, BINARY)

    told = "QNN may compute AveragePool ('odd') incorrectly: compare the outputs."
    assert told in other_notices(job)
    check = job.get_target_check()
    assert check is not None
    # Once QNN computes it as it should, there is nothing to tell any more.
    assert check.status == "FAR"


def test_nodes_without_names_get_some(client: Client) -> None:
    model = with_operator("Erf")
    for node in model.graph.node:
        node.name = ""
    _, reason = refused(client, model, BINARY)
    assert "Erf ('b')" in reason
    job = client.submit_inference_job(
        target_of(compiled(client, with_operator("Mish"), BINARY)),
        GEN_3,
        options="--max_profiler_iterations 1",
    )
    profile = job.get_profile()
    assert profile is not None
    assert all(layer.name for layer in profile.layers)
