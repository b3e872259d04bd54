"""What profiles of QNN's targets tell, and that they never pass for those of a device."""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from support.execution_models import conv_net, samples
from support.qnn import BINARY, DLC, GEN_3, compiled, refused, simulated, target_of

from qai_hub.client import Client, InferenceJob, JobArtifactType, Model

X = {"x": samples(1, 1, 3, 16, 16)}


@pytest.fixture(scope="module")
def binary(client: Client) -> Model:
    return target_of(compiled(client, conv_net(), BINARY))


@pytest.fixture(scope="module")
def profiled(client: Client, binary: Model) -> InferenceJob:
    job = client.submit_inference_job(binary, GEN_3)
    assert job.wait(60).success, job.get_status().message
    return job


def test_a_profile_says_that_it_is_of_a_simulation(profiled: InferenceJob) -> None:
    profile = profiled.get_profile()
    assert profile is not None
    (notice,) = profiled.notices
    assert notice.message == (
        "Measured in HTP simulation, of the Hexagon v75 of qualcomm-snapdragon-8gen3, on the CPU "
        "of this hub's host: the times are those of the simulation, not of a device."
    )
    told = profile.runtime["Measured on"]
    assert told["HTP simulation"] == "Hexagon v75 of qualcomm-snapdragon-8gen3, SoC model 57"
    assert told["times"] == "wall clock of this machine, not of a device"
    assert told["host CPU"]
    for shown in (repr(profile), profile._repr_html_()):
        assert "HTP simulation" in shown
        assert "not of a device" in shown


def test_a_profile_has_layers_of_the_npu_without_times(profiled: InferenceJob) -> None:
    profile = profiled.get_profile()
    assert profile is not None
    assert {"conv1", "conv2", "conv3"} <= {layer.name.split("_")[0] for layer in profile.layers}
    assert {layer.compute_unit for layer in profile.layers} == {"NPU"}
    assert {layer.execution_time for layer in profile.layers} == {None}
    assert list(profile.compute_units) == ["NPU"]
    # A simulation is slow: two inferences are run unless more are asked for.
    assert len(profile.inference.all_times) == 2
    assert profile.inference.time == min(profile.inference.all_times)
    assert profile.inference.peak_memory
    assert profile.first_load.time


def test_tool_versions_name_qnn(profiled: InferenceJob, client: Client) -> None:
    tools = profiled.get_tool_versions()
    own = ["ONNX Runtime", "ONNX", "Python", "NumPy", "qai-hub-openapi"]
    assert list(tools) == ["QAIRT", "ONNX Runtime QNN", *own]
    assert tools["ONNX Runtime QNN"] == version("onnxruntime-qnn")
    assert compiled(client, conv_net(), BINARY).get_tool_versions() == tools


def test_the_trace_is_one_that_browsers_show(profiled: InferenceJob, tmp_path: Path) -> None:
    kind = JobArtifactType.PROFILE_TRACE
    assert kind in profiled.get_available_artifacts()
    (file,) = profiled.download_artifacts_for_type(str(tmp_path), kind)
    assert Path(file).suffix == ".json"
    events = json.loads(Path(file).read_text())
    runs = [event for event in events if event.get("cat") == "Node"]
    assert runs
    assert all({"name", "ph", "ts", "dur", "pid", "tid"} <= event.keys() for event in runs)
    assert {event["args"]["provider"] for event in runs} == {"QNNExecutionProvider"}
    kernels = [event for event in runs if event["name"].endswith("_kernel_time")]
    profile = profiled.get_profile()
    assert profile is not None
    assert len(kernels) >= len(profile.inference.all_times)


def test_what_was_measured_is_among_the_outputs(client: Client, binary: Model) -> None:
    three = {"x": samples(3, 1, 3, 16, 16)}
    job = client.submit_inference_job(binary, GEN_3, three)
    assert job.wait(60).success, job.get_status().message
    measured = job.download_output_data()
    _, plain = simulated(client, binary, three)
    assert measured is not None
    assert measured.keys() == plain.keys()
    for name, values in plain.items():
        np.testing.assert_array_equal(measured[name], values)


@pytest.mark.parametrize(("units", "missed"), [("cpu", True), ("npu", False), ("all", False)])
def test_the_unit_that_is_asked_for(
    client: Client, binary: Model, units: str, missed: bool
) -> None:
    job = client.submit_inference_job(
        binary, GEN_3, X, profile=False, options=f"--compute_unit {units}"
    )
    status = job.wait(60)
    assert status.failure is missed, status


def test_options_that_mean_nothing_here_are_told_of(client: Client, binary: Model) -> None:
    options = (
        "--qnn_options default_graph_htp_optimizations=O=2 --tflite_options number_of_threads=2"
    )
    job, _ = simulated(client, binary, X, options=options)
    told = [notice.message for notice in job.notices]
    assert "In --qnn_options, 'default_graph_htp_optimizations' has no effect on this hub." in told
    assert (
        "The option --tflite_options was ignored: it applies to TensorFlow Lite models only."
        in told
    )


@pytest.mark.parametrize("runtime", [BINARY, DLC])
def test_settings_of_qnn_are_checked(client: Client, runtime: str) -> None:
    wrong = "--qnn_options default_graph_htp_optimizations=O=9"
    assert refused(client, conv_net(), f"{runtime} {wrong}") == (
        "INVALID_ARGUMENT",
        (
            "In --qnn_options, default_graph_htp_optimizations must be O=0, O=1, O=2 or O=3, "
            "not 'O=9'."
        ),
    )


def test_settings_of_qnn_are_used(client: Client) -> None:
    more = (
        "--qnn_options default_graph_htp_optimizations=O=1;default_graph_htp_precision=FLOAT16;"
        "default_graph_htp_vtcm_size=4;context_enable_graphs=net"
    )
    made = target_of(compiled(client, conv_net(), BINARY, more=more))
    texts = {key.name: value for key, value in made.metadata.items()}
    assert texts["QNN_CONTEXT_BIN_OPTIMIZATION_LEVEL"] == "1"
    assert texts["QNN_MODEL_GRAPH_NAMES"] == "net"
    simulated(client, made, X, options="--qnn_options context_enable_graphs=net")
