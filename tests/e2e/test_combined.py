"""Submits of several jobs at once: what is checked, what is sent, what this hub answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, assert_type

import pytest
from support.tiny_models import affine

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, LinkJob, Model

OTHER = Device("Samsung Galaxy S23")


@pytest.fixture(scope="module")
def source(client: Client) -> Model:
    return client.upload_model(affine(batch="n"), "source")


@pytest.fixture(scope="module")
def dlc(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("dlc") / "model.dlc"
    path.write_bytes(b"as good as any for a hub that links nothing")
    return client.upload_model(path)


def things(client: Client) -> tuple[list[str], list[str]]:
    """Which models and jobs there are: uploads and submits show in them."""
    models, jobs = client.get_models(limit=500), client.get_job_summaries(limit=500)
    return [model.model_id for model in models], [job.job_id for job in jobs]


def profile(client: Client, *args: Any, **kwargs: Any) -> Any:
    with pytest.warns(DeprecationWarning, match="submit_inference_job"):
        return client.submit_compile_and_profile_jobs(*args, **kwargs)


def test_compile_and_profile(client: Client, source: Model, device: Device) -> None:
    compiled, profiled = profile(
        client,
        source,
        device,
        "both",
        {"x": (2, 4)},
        "--target_runtime onnx",
        "--max_profiler_iterations 3",
    )
    assert profiled.model.model_id == compiled.get_target_model().model_id
    assert profiled.wait(60).success
    assert compiled.wait(1).success
    assert (compiled.name, profiled.name) == ("both", "both")
    assert compiled.options == "--target_runtime onnx"
    assert profiled.options == "--max_profiler_iterations 3"
    assert compiled.shapes == {"x": ((2, 4), "float32")}


@pytest.mark.parametrize("single_compile", [True, False])
def test_compile_and_profile_on_several_devices(
    client: Client, source: Model, device: Device, single_compile: bool
) -> None:
    specs = {"x": (1, 4)}
    pairs = profile(client, source, [device, OTHER], None, specs, single_compile=single_compile)
    compiled = [pair[0].job_id for pair in pairs]
    assert [pair[1].device.name for pair in pairs] == [device.name, OTHER.name]
    assert len(set(compiled)) == (1 if single_compile else 2)
    assert isinstance(profile(client, source, [device], None, specs), tuple)


def test_compile_and_link_sends_what_a_context_binary_takes(client: Client, device: Device) -> None:
    models, _ = things(client)
    twice = affine(batch="n")
    compiled, link = client.submit_compile_and_link_jobs(
        [twice, twice],
        device,
        "graphs",
        [{"x": (1, 4)}, {"x": (2, 4)}],
        ["one", "two"],
        ["--quantize_io", "--qnn_options a=b --target_runtime=qnn_dlc"],
        "--qnn_options c=d",
    )
    assert_type(compiled, list[CompileJob])
    assert_type(link, LinkJob | None)
    assert link is not None
    assert [job.options for job in compiled] == [
        "--quantize_io --qnn_options context_enable_graphs=one --target_runtime qnn_dlc",
        "--qnn_options a=b --target_runtime=qnn_dlc --qnn_options context_enable_graphs=two",
    ]
    assert [job.shapes["x"][0] for job in compiled] == [(1, 4), (2, 4)]
    assert {job.name for job in [*compiled, link]} == {"graphs"}
    assert link.options == "--qnn_options c=d"
    targets = [job.get_target_model() for job in compiled]
    assert [model.model_id for model in link.models] == [
        target.model_id for target in targets if target
    ]
    produced = {target.model_id for target in [*targets, link.get_target_model()] if target}
    uploaded = set(things(client)[0]) - set(models) - produced
    assert uploaded == {compiled[0].model.model_id} == {compiled[1].model.model_id}
    status = link.wait(60)
    assert status.failure
    assert status.message


def test_compile_and_link_on_several_devices(
    client: Client, source: Model, device: Device, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(affine().SerializeToString())
    several: Any = client.submit_compile_and_link_jobs(
        [source, str(path), path], [device, OTHER], graph_names=["a", "b", "c"]
    )
    for (compiled, link), one in zip(several, (device, OTHER), strict=True):
        assert link is not None
        assert {job.device.name for job in [*compiled, link]} == {one.name}
        assert compiled[1].model.model_id == compiled[2].model.model_id
    assert several[0][0][1].model.model_id == several[1][0][1].model.model_id


def test_one_model_needs_no_graph_name_and_a_binary_can_be_embedded(
    client: Client, source: Model, device: Device
) -> None:
    compiled, link, embedded = client.submit_compile_and_link_jobs(
        source, device, embed_in_onnx=True
    )
    assert_type(embedded, CompileJob | None)
    assert [job.options for job in compiled] == ["--target_runtime qnn_dlc"]
    assert link is not None
    binary = link.get_target_model()
    assert binary is not None
    assert embedded is not None
    assert embedded.model.model_id == binary.model_id
    one = client.submit_compile_and_link_jobs(source, [device])
    assert isinstance(one, tuple)


NAMES: dict[str, Any] = {"graph_names": ["a", "b"]}


@pytest.mark.parametrize(
    ("count", "arguments", "message"),
    [
        (0, {}, "at least one model"),
        (2, {}, "need graph_names"),
        (2, {"graph_names": ["a"]}, "graph_names has 1 entries for 2"),
        (2, {"graph_names": "ab"}, "list of names"),
        (2, {"graph_names": ["a", "a"]}, "Duplicates: a"),
        (2, {"graph_names": ["a b", "c"]}, "'a b'"),
        (2, {"graph_names": ["", "c"]}, "''"),
        (2, {"graph_names": ["a", None]}, "None"),
        (2, NAMES | {"input_specs": [{"x": (1, 4)}]}, "input_specs has 1 entries for 2"),
        (2, NAMES | {"input_specs": {"x": "wide"}}, "x"),
        (2, NAMES | {"compile_options": ["", "", ""]}, "compile_options has 3 entries"),
        (2, NAMES | {"compile_options": [None, 3]}, "compile_options must be a string"),
        (2, NAMES | {"compile_options": "--target_runtime onnx"}, "target_runtime"),
        (2, NAMES | {"compile_options": "--target_runtime=tflite"}, "target_runtime"),
        (2, NAMES | {"compile_options": "--target_runtime"}, "target_runtime"),
        (2, NAMES | {"compile_options": "--a 'b"}, "cannot be parsed"),
        (2, NAMES | {"compile_options": "--qnn_options context_enable_graphs=a"}, "graph_names"),
        (2, NAMES | {"link_options": 3}, "link_options must be a string"),
        (2, NAMES | {"name": 3}, "name must be a string"),
        (2, NAMES | {"device": []}, "at least one device"),
    ],
)
def test_everything_is_checked_before_anything_is_sent(
    client: Client, device: Device, count: int, arguments: dict[str, Any], message: str
) -> None:
    before = things(client)
    models = [affine() for _ in range(count)]
    with pytest.raises(hub.UserError, match=message):
        client.submit_compile_and_link_jobs(models, **({"device": device} | arguments))
    assert things(client) == before


def test_models_that_cannot_be_compiled_are_refused_before_anything_is_sent(
    client: Client, dlc: Model, device: Device, tmp_path: Path
) -> None:
    (tmp_path / "model.pt").write_bytes(b"torchscript")
    (tmp_path / "model.tflite").write_bytes(b"tflite")
    before = things(client)
    refused: Sequence[tuple[Any, str]] = [
        (None, "is None"),
        (dlc, "QNN_DLC"),
        (3, "not int"),
        (tmp_path / "model.pt", "needs input_specs"),
        (tmp_path / "model.tflite", "TFLITE"),
    ]
    for model, message in refused:
        with pytest.raises(hub.UserError, match=message):
            client.submit_compile_and_link_jobs([affine(), model], device, **NAMES)
    with pytest.raises(FileNotFoundError):
        client.submit_compile_and_link_jobs([affine(), "nothing.onnx"], device, **NAMES)
    assert things(client) == before
