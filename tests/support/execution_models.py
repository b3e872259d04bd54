"""Tiny models, datasets and attempts that the tests of the execution share."""

import atexit
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from qai_hub.local.engine.attempt import (
    AttemptOutcome,
    AttemptRequest,
    InputModel,
    TensorSpec,
    run_attempt,
)
from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.protocol import Report
from qai_hub.local.engine.worker import handle_request
from qai_hub.local.engine.workers import Workers, make_workers

FLOAT = onnx.TensorProto.FLOAT
INT64 = onnx.TensorProto.INT64
BOOL = onnx.TensorProto.BOOL

Shape = Sequence[int | str] | None


def build_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Shape]],
    outputs: Mapping[str, tuple[int, Shape]],
    weights: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, *port) for name, port in inputs.items()],
        [helper.make_tensor_value_info(name, *port) for name, port in outputs.items()],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def linear_model(batch: int | str = 2, *, name: str = "x") -> onnx.ModelProto:
    """y = relu(x @ w) @ (w + w), in which w + w can be folded."""
    weight = np.random.default_rng(7).standard_normal((3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", [name, "w"], ["m"], name="first"),
        helper.make_node("Relu", ["m"], ["r"], name="second"),
        helper.make_node("Add", ["w", "w"], ["ww"], name="folded"),
        helper.make_node("MatMul", ["r", "ww"], ["y"], name="third"),
    ]
    return build_model(
        nodes, {name: (FLOAT, [batch, 3])}, {"y": (FLOAT, [batch, 3])}, {"w": weight}
    )


def conv_net(batch: int | str = 1, *, opset: int = 17) -> onnx.ModelProto:
    """y[batch, 10] of x[batch, 3, 16, 16]: three convolutions and a pool, seeded."""
    random = np.random.default_rng(11)
    # Channels of very different magnitude, so that a scale for each of them matters.
    spread = np.geomspace(0.02, 2, 8).reshape(8, 1, 1, 1)
    weights = {
        "w1": random.standard_normal((8, 3, 3, 3)) * spread / 5,
        "b1": random.standard_normal(8) / 10,
        "w2": random.standard_normal((8, 8, 3, 3)) / 8,
        "b2": random.standard_normal(8) / 10,
        "w3": random.standard_normal((10, 8, 1, 1)) / 3,
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], name="conv2", pads=[1] * 4),
        helper.make_node("Relu", ["c2"], ["r2"], name="relu2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["p"], name="pool"),
        helper.make_node("Conv", ["p", "w3"], ["c3"], name="conv3"),
        helper.make_node("Flatten", ["c3"], ["y"], name="flatten"),
    ]
    floats = {name: value.astype(np.float32) for name, value in weights.items()}
    ports = {"x": (FLOAT, [batch, 3, 16, 16])}, {"y": (FLOAT, [batch, 10])}
    model = build_model(nodes, *ports, floats)
    model.opset_import[0].version = opset
    return model


def offset_model() -> onnx.ModelProto:
    """y = ((x + 500) - 500) @ w: 8 bits for numbers near 500 leave little of x."""
    nodes = [
        helper.make_node("Add", ["x", "much"], ["raised"], name="raise"),
        helper.make_node("Sub", ["raised", "much"], ["lowered"], name="lower"),
        helper.make_node("MatMul", ["lowered", "w"], ["y"], name="multiply"),
    ]
    weights = {
        "much": np.array(500, np.float32),
        "w": np.random.default_rng(3).standard_normal((8, 8)).astype(np.float32),
    }
    shape = [1, 8, 8]
    return build_model(nodes, {"x": (FLOAT, shape)}, {"y": (FLOAT, shape)}, weights)


def linear_result(x: Any) -> Any:
    weight = np.random.default_rng(7).standard_normal((3, 3)).astype(np.float32)
    return np.maximum(x @ weight, 0) @ (weight + weight)


def branching_model() -> onnx.ModelProto:
    """y = x if sum(x) > 0 else -x, with an If whose branches are graphs of their own."""
    branches: dict[str, Any] = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(op, ["x"], [name], name=f"{name}_node")],
            name,
            [],
            [helper.make_tensor_value_info(name, FLOAT, None)],
        )
        for name, op in (("then", "Identity"), ("else", "Neg"))
    }
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0, name="sum"),
        helper.make_node("Greater", ["s", "zero"], ["c"], name="greater"),
        helper.make_node("If", ["c"], ["y"], name="choice", **branches),
    ]
    return build_model(
        nodes,
        {"x": (FLOAT, [4])},
        {"y": (FLOAT, [4])},
        {"zero": np.float32(0)},
    )


def endless_model() -> onnx.ModelProto:
    """A loop of so many rounds that it never ends while a test runs."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["a", "one"], ["b"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", INT64, []),
            helper.make_tensor_value_info("go", BOOL, []),
            helper.make_tensor_value_info("a", FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("on", BOOL, []),
            helper.make_tensor_value_info("b", FLOAT, [1]),
        ],
    )
    return build_model(
        [helper.make_node("Loop", ["rounds", "true", "x"], ["y"], body=body)],
        {"x": (FLOAT, [1])},
        {"y": (FLOAT, [1])},
        {"rounds": np.int64(10**15), "true": np.bool_(True), "one": np.ones(1, np.float32)},
    )


def huge_model(elements: int) -> onnx.ModelProto:
    """A model whose intermediate tensor of floats has so many elements."""
    nodes = [
        helper.make_node("Add", ["x", "more"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["y"], keepdims=0),
    ]
    return build_model(
        nodes, {"x": (INT64, [1])}, {"y": (FLOAT, [])}, {"more": np.array([elements])}
    )


def saved(model: onnx.ModelProto, folder: Path, name: str = "m1") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def dataset(path: Path, tensors: Mapping[str, Sequence[Any]]) -> Path:
    with h5py.File(path, "w") as file:
        for order, (name, samples) in enumerate(tensors.items()):
            group = file.create_group(f"data/{order}")
            group.attrs.update({"order": order, "name": name, "batch_count": len(samples)})
            for index, sample in enumerate(samples):
                group.create_dataset(f"batch_{index}", data=sample)
    return path


def read_dataset(path: Path) -> dict[str, list[Any]]:
    with h5py.File(path) as file:
        groups = sorted(file["data"].values(), key=lambda group: group.attrs["order"])
        return {
            group.attrs["name"]: [
                group[f"batch_{index}"][()] for index in range(group.attrs["batch_count"])
            ]
            for group in groups
        }


def onnx_input(path: Path) -> InputModel:
    return InputModel(path=path, model_type="MODEL_TYPE_ONNX")


def compile_request(model: Path, *specs: TensorSpec, options: str = "") -> AttemptRequest:
    return AttemptRequest(
        kind="compile",
        inputs=(onnx_input(model),),
        options=options or "--target_runtime onnx",
        input_specs=specs,
    )


def run_request(
    model: Path, data: Path | None = None, *, profile: bool = False, options: str = ""
) -> AttemptRequest:
    return AttemptRequest(
        kind="run",
        inputs=(onnx_input(model),),
        options=options,
        dataset=data,
        profile=profile,
    )


def quantize_request(
    model: Path,
    data: Path,
    weights: str = "INT8",
    activations: str = "INT8",
    *,
    options: str = "",
) -> AttemptRequest:
    return AttemptRequest(
        kind="quantize",
        inputs=(onnx_input(model),),
        options=options,
        dataset=data,
        weights_dtype=weights,
        activations_dtype=activations,
    )


def attempt(
    request: AttemptRequest,
    folder: Path,
    *,
    time_limit: float = 60,
    memory_limit: int | None = None,
    cancelled: threading.Event | None = None,
    workers: Workers | None = None,
) -> AttemptOutcome:
    folder.mkdir(exist_ok=True)
    return run_attempt(
        request,
        folder,
        time_limit=time_limit,
        memory_limit=memory_limit,
        cancelled=cancelled or threading.Event(),
        workers=workers or _chosen_workers or warm_workers(),
    )


_chosen_workers: Workers | None = None


@contextmanager
def chosen_workers(workers: Workers) -> Iterator[None]:
    """Have all attempts of the `with` block start their workers this way."""
    global _chosen_workers  # noqa: PLW0603 - one per test
    before, _chosen_workers = _chosen_workers, workers
    try:
        yield
    finally:
        _chosen_workers = before


@cache
def warm_workers() -> Workers:
    """What starts the workers of all attempts of this process, warm where the system allows it."""
    workers = make_workers(warm=True)
    atexit.register(workers.close)
    return workers


def execute(request: AttemptRequest, folder: Path) -> Report:
    """Carry a request out in this process."""
    (folder / "work").mkdir(parents=True)
    return handle_request(request, folder)


def quantize_notices(result: Mapping[str, Any]) -> list[dict[str, str]]:
    """The notices of a quantize job, except that its layers were not measured."""
    return [each for each in result["notices"] if "analyzes no layers" not in each["message"]]


def get_failure(request: AttemptRequest, folder: Path) -> JobFailure:
    with pytest.raises(JobFailure) as caught:
        execute(request, folder)
    return caught.value


def spec(name: str, shape: Sequence[int], dtype: str = "float32") -> TensorSpec:
    return TensorSpec(name=name, shape=tuple(shape), dtype=dtype)


def run_onnx(path: Path, **inputs: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    outputs: list[Any] = session.run(None, inputs)
    return outputs


def samples(count: int, *shape: int) -> list[Any]:
    random = np.random.default_rng(3)
    return [random.standard_normal(shape or (2, 3)).astype(np.float32) for _ in range(count)]


def two_inputs(path: Path) -> Path:
    nodes = [
        helper.make_node("Gather", ["table", "index"], ["picked"]),
        helper.make_node("Add", ["picked", "x"], ["sum"]),
        helper.make_node("Neg", ["sum"], ["minus"]),
    ]
    ports = {"x": (FLOAT, [2]), "index": (INT64, [1])}
    outputs = {"sum": (FLOAT, [1, 2]), "minus": (FLOAT, [1, 2])}
    table = np.array([[0, 0], [10, 20], [30, 40]], np.float32)
    return saved(build_model(nodes, ports, outputs, {"table": table}), path)


def has_exited(pid: int) -> bool:
    """Tell whether a process has ended, even if nobody has fetched its exit status."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"
