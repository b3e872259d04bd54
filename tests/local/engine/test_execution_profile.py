import json
import mmap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
import yaml
from support.execution_models import (
    branching_model,
    dataset,
    execute,
    get_failure,
    linear_model,
    read_dataset,
    run_request,
    saved,
)

from qai_hub.local.engine import machine as memory
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.machine import MemoryRecorder, time_calls
from qai_hub.local.engine.onnx.model_files import open_model
from qai_hub.local.engine.onnx.session import Session, Tensor
from qai_hub.local.engine.onnx.signature import get_inputs
from qai_hub.local.engine.runners.base import TimeBreakdown, TimedInferences, profile_model
from qai_hub.local.engine.runners.onnx import OnnxModel, read_layer_details

CONTRACT = Path(__file__).parents[3] / "openapi.yaml"


@pytest.fixture(scope="module")
def schemas() -> Any:
    return yaml.load(CONTRACT.read_text(), yaml.CSafeLoader)["components"]["schemas"]


@pytest.fixture(scope="module")
def conforms(schemas: Any) -> Callable[[str, Any], bool]:
    def check(name: str, value: Any) -> bool:
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
        return bool(jsonschema_rs.validator_for(schema).is_valid(value))

    return check


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("profile")
    request = run_request(
        saved(linear_model(), folder), profile=True, options="--max_profiler_iterations 7"
    )
    return execute(request, folder / "a")


@pytest.fixture
def profile(report: Any) -> Any:
    return report.result["profile"]


def test_the_result_is_as_in_the_contract(
    report: Any, schemas: Any, conforms: Callable[[str, Any], bool]
) -> None:
    profile = report.result["profile"]
    assert conforms("ProfileDetail", profile)
    assert set(profile) <= set(schemas["ProfileDetail"]["properties"])
    for layer in profile["layer_details"]:
        assert set(layer) <= set(schemas["LayerDetail"]["properties"])
    for notice in report.result["notices"]:
        assert conforms("Notice", notice)
    assert json.loads(json.dumps(profile)) == profile
    assert not conforms("ProfileDetail", {**profile, "execution_time": -1})


def test_times_are_measured(profile: Any) -> None:
    assert (profile["major_version"], profile["minor_version"]) == (1, 2)
    assert len(profile["all_execution_times"]) == 7
    assert min(profile["all_execution_times"]) == profile["execution_time"] >= 1
    assert profile["all_cold_load_times"] == [profile["cold_load_time"]]
    assert 1 <= len(profile["all_warm_load_times"]) <= 3
    assert min(profile["all_warm_load_times"]) == profile["warm_load_time"] >= 1
    assert (profile["compile_time"], profile["all_compile_times"]) == (0, [])


def test_layers_come_in_the_order_of_the_graph(profile: Any) -> None:
    layers = profile["layer_details"]
    assert [layer["name"] for layer in layers] == ["first", "second", "third"]
    assert [layer["layer_type_name"] for layer in layers] == ["MatMul", "Relu", "MatMul"]
    assert [layer["id"] for layer in layers] == ["0", "1", "2"]
    assert {layer["compute_unit"] for layer in layers} == {"COMPUTE_UNIT_CPU"}
    assert {layer["delegate_name"] for layer in layers} == {"CPUExecutionProvider"}
    (segment,) = profile["segment_details"]
    assert {layer["segment_id"] for layer in layers} == {segment["id"]}


def test_it_says_where_it_was_measured(report: Any) -> None:
    (config,) = report.result["profile"]["runtime_config"]
    assert config["name"] == "Measured on"
    assert "host CPU" in [entry["key"] for entry in config["properties"]]
    assert "not on a device" in report.result["notices"][0]["message"]
    tools = {tool["name"] for tool in report.result["profile"]["tool_versions"]}
    assert {"ONNX Runtime", "ONNX"} <= tools


def test_an_operator_with_graphs_of_its_own_is_one_layer(tmp_path: Path) -> None:
    request = run_request(saved(branching_model(), tmp_path), profile=True)

    profile = execute(request, tmp_path / "a").result["profile"]

    names = [(layer["name"], layer["layer_type_name"]) for layer in profile["layer_details"]]
    assert names == [("sum", "ReduceSum"), ("greater", "Greater"), ("choice", "If")]
    assert len(profile["all_execution_times"]) == 100


def test_a_profile_over_a_dataset_also_has_the_outputs(tmp_path: Path) -> None:
    data = dataset(tmp_path / "d", {"x": [np.ones((5, 3), np.float32)] * 2})
    model = saved(linear_model("N"), tmp_path)

    report = execute(run_request(model, data, profile=True), tmp_path / "a")

    assert report.result["profile"]["execution_time"] >= 1
    assert len(read_dataset(tmp_path / "a" / report.files["output_data"])["y"]) == 2


def test_random_inputs_need_fixed_dimensions(tmp_path: Path) -> None:
    failure = get_failure(
        run_request(saved(linear_model("N"), tmp_path), profile=True), tmp_path / "a"
    )

    assert failure.failure_type is FailureType.INVALID_INPUTS
    assert "Dimension 0 ('N') of the input 'x': float32[N, 3] is dynamic" in failure.reason


class Clock:
    """A clock that goes on when something is done."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


@pytest.mark.parametrize(
    ("most", "seconds", "expected"),
    [(5, 100, 5), (5, 3.5, 4), (5, 4, 4), (1, 0, 1), (5, 0, 1)],
)
def test_measuring_ends_after_its_time(most: int, seconds: float, expected: int) -> None:
    clock = Clock()
    calls = []

    def action() -> int:
        clock.now += 10**9 + 400
        calls.append(clock.now)
        return len(calls)

    times, last = time_calls(action, most, seconds, clock)

    assert times == [1_000_000] * expected
    assert last == len(calls) == expected


def test_a_profile_that_is_cut_short_says_so(tmp_path: Path) -> None:
    x = np.ones((2, 3), np.float32)
    opened = open_model(saved(linear_model(), tmp_path), "MODEL_TYPE_ONNX", tmp_path)
    model = OnnxModel.from_model_file(opened)

    measured = profile_model(model, {"x": x}, "ones", 1000, tmp_path, max_seconds=0)

    assert len(measured.profile["all_execution_times"]) == 1
    assert [n["message"] for n in measured.notices if "1 of 1000 iterations" in n["message"]] != []


class Simulated(OnnxModel):
    """A model that passes for a simulated one, each inference of which takes so many seconds."""

    is_simulated = True

    def __init__(self, path: Path, seconds: Sequence[float], clock: Clock) -> None:
        opened = open_model(path, "MODEL_TYPE_ONNX", path.parent)
        super().__init__(opened.path, get_inputs(opened.proto), {})
        self.seconds, self.clock, self.runs = seconds, clock, 0

    def load(self, trace_prefix: Path | None = None) -> Session:
        loaded, run = super().load(trace_prefix), Session.run

        def run_slowly(inputs: Mapping[str, Tensor], label: str) -> list[Tensor]:
            self.clock.now += round(self.seconds[min(self.runs, len(self.seconds) - 1)] * 1e9)
            self.runs += 1
            return run(loaded, inputs, label)

        loaded.run = run_slowly  # type: ignore[method-assign]
        return loaded

    def measure_breakdown(
        self,
        loaded: Session,
        inputs: Mapping[str, Tensor],
        label: str,
        timed: TimedInferences,
        work: Path,
    ) -> TimeBreakdown:
        return TimeBreakdown(layers=[], segments=[])


@pytest.mark.parametrize(
    ("seconds", "most", "expected", "warm_ups"),
    [
        # Fast ones are warmed up, up to four times.
        ([0.025, 0.025, 0.001], 2, [1_000, 1_000], 4),
        ([0.1, 0.2, 0.01], 3, [10_000] * 3, 2),
        # Of slow ones, each inference counts.
        ([3], 1, [3_000_000], 0),
        ([3, 2], 3, [3_000_000, 2_000_000, 2_000_000], 0),
        ([20, 11], 5, [20_000_000, 11_000_000], 0),
        ([40], 5, [40_000_000], 0),
    ],
)
def test_simulations_run_no_more_than_they_must(
    tmp_path: Path, seconds: list[float], most: int, expected: list[int], warm_ups: int
) -> None:
    clock = Clock()
    model = Simulated(saved(linear_model(), tmp_path), seconds, clock)
    x = np.ones((2, 3), np.float32)

    measured = profile_model(model, {"x": x}, "ones", most, tmp_path, clock=clock)

    assert measured.profile["all_execution_times"] == expected
    assert model.runs == warm_ups + len(expected)


def test_no_time_is_below_a_microsecond() -> None:
    assert time_calls(lambda: None, 3, 1, Clock())[0] == [1, 1, 1]


def event(name: str, index: int, start: int, duration: int, op: str = "Op") -> dict[str, Any]:
    node = {"node_index": str(index), "op_name": op, "provider": "CPUExecutionProvider"}
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "ts": start,
        "dur": duration,
        "args": node,
    }


def layers_of(path: Path, *events: dict[str, Any]) -> list[tuple[str, int]]:
    path.write_text(json.dumps(events))
    return [(layer["name"], layer["execution_time"]) for layer in read_layer_details(path)]


def test_layer_times_are_means_without_the_first_run(tmp_path: Path) -> None:
    runs = [(0, 900), (1000, 10), (2000, 20), (3000, 31)]
    events = [event("a", 7, *run) for run in runs]

    assert layers_of(tmp_path / "t", *events) == [("a", 20)]


def test_layers_of_no_measurable_time_keep_their_order(tmp_path: Path) -> None:
    steps = [("a", 0, 0), ("b", 0, 0), ("c", 0, 1), ("d", 1, 0)]
    events = [
        event(name, index, run + start, duration)
        for run in (0, 100)
        for index, (name, start, duration) in enumerate(steps)
    ]

    names = [name for name, _ in layers_of(tmp_path / "t", *events)]

    assert names == ["a", "b", "c", "d"]


def test_what_ran_inside_of_another_operator_is_no_layer(tmp_path: Path) -> None:
    def run(start: int) -> list[dict[str, Any]]:
        return [
            event("before", 0, start, 10),
            event("inside", 0, start + 11, 30),
            event("inner", 1, start + 41, 8, "If"),
            event("last", 2, start + 50, 0),
            event("outer", 1, start + 10, 40, "Loop"),
            event("after", 2, start + 50, 5),
        ]

    events = [*run(0), *run(100), {"cat": "Session", "name": "model_run", "ts": 0, "dur": 99}]

    assert layers_of(tmp_path / "t", *events) == [("before", 10), ("outer", 40), ("after", 5)]


def test_traces_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "t").write_text('[{"cat": "Node"')
    with pytest.raises(ValueError, match="Expecting"):
        read_layer_details(tmp_path / "t")
    with (tmp_path / "t").open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(ValueError, match="65 MiB"):
        read_layer_details(tmp_path / "t")


def touched(size: int) -> mmap.mmap:
    """Take fresh memory from the system, which no earlier test has left behind."""
    memory = mmap.mmap(-1, size)
    for page in range(0, size, mmap.PAGESIZE):
        memory[page] = 1
    return memory


def test_memory_of_a_phase() -> None:
    phases = MemoryRecorder()
    with phases.phase("cold_load"):
        kept = touched(8 * 2**20)
        touched(32 * 2**20).close()
    with phases.phase("warm_load"):
        kept.close()

    assert phases.is_supported
    increase = phases.fields["cold_load_memory"]["increase"]
    assert 7 * 2**20 < increase["lower"] < 20 * 2**20
    assert increase["upper"] > 38 * 2**20
    peak = phases.fields["after_cold_load_peak_memory"]
    assert phases.fields["cold_load_memory"]["peak"] == {"lower": peak, "upper": peak}
    assert phases.fields["after_warm_load_peak_memory"] < peak
    assert phases.fields["warm_load_memory"]["increase"]["lower"] == 0


@pytest.mark.parametrize("missing", ["STATUS_FILE", "CLEAR_REFS_FILE"])
def test_without_the_kernels_figures_no_memory_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(memory, missing, tmp_path / "none" / "file")
    request = run_request(saved(linear_model(), tmp_path), profile=True)

    report = execute(request, tmp_path / "a")

    figures = {key: value for key, value in report.result["profile"].items() if "memory" in key}
    assert set(figures.values()) == {0}
    assert any("not measured" in notice["message"] for notice in report.result["notices"])
