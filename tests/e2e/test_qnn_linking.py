"""DLCs are linked into one context binary, whose graphs are simulated one by one."""

from pathlib import Path

import numpy as np
import pytest
from support.execution_models import conv_net, samples
from support.qnn import (
    DLC,
    GEN_1,
    GEN_2,
    GEN_3,
    INTEGERS,
    agreement,
    compiled,
    on_cpu,
    simulated,
    target_of,
)
from support.real_models import TEXT_DIRECTION

import qai_hub as hub
from qai_hub.client import Client, CompileJob, LinkJob, Model, ModelMetadataKey, SourceModelType

RUN_LARGE = "--qnn_options context_enable_graphs=large"
SIZES = {"small": (1, 3, 48, 64), "large": (1, 3, 48, 96)}


def named(name: str) -> str:
    return f"--qnn_options context_enable_graphs={name}"


def failure_of(client: Client, models: list[Model], device: hub.Device, options: str = "") -> str:
    status = client.submit_link_job(models, device, options=options).wait(60)
    assert status.failure
    return status.message or ""


@pytest.fixture(scope="module")
def dlcs(client: Client) -> dict[str, Model]:
    jobs = {
        name: compiled(
            *(client, TEXT_DIRECTION.path, DLC),
            more=f"{named(name)} --skip_target_check",
            input_specs={"x": shape},
        )
        for name, shape in SIZES.items()
    }
    return {name: target_of(job) for name, job in jobs.items()}


@pytest.fixture(scope="module")
def linked(client: Client, dlcs: dict[str, Model]) -> LinkJob:
    job = client.submit_link_job(list(dlcs.values()), GEN_3)
    assert job.wait(60).success, job.get_status().message
    return job


def notices_of(job: hub.Job) -> list[str]:
    return [each.message for each in job.notices if "in simulation" not in each.message]


def test_linked_graphs_share_their_weights(
    client: Client, dlcs: dict[str, Model], linked: LinkJob, tmp_path: Path
) -> None:
    made = target_of(linked)
    assert made.model_type is SourceModelType.QNN_CONTEXT_BINARY
    assert made.metadata[ModelMetadataKey.QNN_MODEL_GRAPH_NAMES] == "small,large"
    assert made.metadata[ModelMetadataKey.QNN_CONTEXT_BIN_SOC_MODEL] == "57"
    (told,) = notices_of(linked)
    assert told.startswith("The context binary contains the graphs 'small' as QNN")
    assert "This hub simulates each graph from its separate binary" in told

    size = Path(made.download(str(tmp_path / "linked"))).stat().st_size
    for name, shape in SIZES.items():
        job = compiled(
            *(client, TEXT_DIRECTION.path, "qnn_context_binary"),
            more="--skip_target_check",
            input_specs={"x": shape},
        )
        alone = Path(target_of(job).download(str(tmp_path / name))).stat().st_size
        assert alone < size < 1.4 * alone
    assert f"It has {size} bytes" in told


def test_the_inputs_and_outputs_are_those_of_each_graph(linked: LinkJob) -> None:
    made = target_of(linked)
    for name, shape in SIZES.items():
        assert [(port.name, port.shape) for port in made.input_spec[name]] == [("x", shape)]
        assert [port.shape for port in made.output_spec[name]] == [(1, 2)]
    assert made.input_spec.keys() == made.output_spec.keys() == SIZES.keys()


def test_each_graph_is_simulated_by_its_name(client: Client, linked: LinkJob) -> None:
    inputs = {"x": [np.random.default_rng(0).random(SIZES["large"], np.float32)]}

    job, outputs = simulated(client, target_of(linked), inputs, options=RUN_LARGE)

    expected = on_cpu(TEXT_DIRECTION.path, inputs)
    assert min(agreement(expected, outputs).values()) > TEXT_DIRECTION.psnr
    (warning,) = (notice for notice in job.notices if notice.severity == "WARNING")
    assert warning.message == (
        "This hub's QNN cannot load linked context binaries: the graph 'large' runs "
        "from a separate binary, compiled from the same model."
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("", "The model has the graphs 'small', 'large': select one of them by"),
        (named("small,large"), "The model has the graphs 'small', 'large': select one of them by"),
        (named("huge"), "The model has no graph 'huge'. It has 'small', 'large'."),
    ],
)
def test_graphs_that_are_not_told_apart(
    client: Client, linked: LinkJob, options: str, reason: str
) -> None:
    inputs = {"x": [np.zeros(SIZES["large"], np.float32)]}
    job = client.submit_inference_job(target_of(linked), GEN_3, inputs, options=options)
    assert (job.wait(60).message or "").startswith(reason)
    assert job.failure_type == "INVALID_ARGUMENT"


def test_a_linked_binary_that_is_uploaded_again(
    client: Client, linked: LinkJob, tmp_path: Path
) -> None:
    again = client.upload_model(target_of(linked).download(str(tmp_path / "linked")))
    inputs = {"x": [np.zeros(SIZES["small"], np.float32)]}
    simulated(client, again, inputs, options=named("small"))
    refused = client.submit_inference_job(again, GEN_2, inputs, options=named("small"))
    assert "compile it for this device" in (refused.wait(60).message or "")


def test_a_linked_binary_is_not_embedded(client: Client, linked: LinkJob) -> None:
    job = client.submit_compile_job(target_of(linked), GEN_3)
    assert (job.wait(60).message or "").startswith(
        "An ONNX model contains one graph on this hub, but the context binary has 'small', "
        "'large': "
    )


def test_one_of_several_graphs_can_be_linked_alone_and_embedded(
    client: Client, dlcs: dict[str, Model]
) -> None:
    options = f"{named('small')} --skip_target_check"
    job = client.submit_link_job(list(dlcs.values()), GEN_3, options=options)
    made = target_of(job)
    assert job.wait(60).success, job.get_status().message
    assert made.metadata[ModelMetadataKey.QNN_MODEL_GRAPH_NAMES] == "small"
    embedded = client.submit_compile_job(made, GEN_3)
    simulated(client, target_of(embedded), {"x": [np.zeros(SIZES["small"], np.float32)]})


def test_all_of_it_in_one_call(client: Client) -> None:
    compile_jobs, link_job = client.submit_compile_and_link_jobs(
        [conv_net(), conv_net(2)], GEN_3, graph_names=["one", "two"]
    )
    assert all(isinstance(job, CompileJob) for job in compile_jobs)
    inputs = {"x": samples(1, 2, 3, 16, 16)}
    _, outputs = simulated(client, target_of(link_job), inputs, options=named("two"))
    assert agreement(on_cpu(conv_net(2).SerializeToString(), inputs), outputs)["y"] > 40


def test_chips_that_share_no_weights_link_without(
    client: Client, dlcs: dict[str, Model], linked: LinkJob, tmp_path: Path
) -> None:
    job = client.submit_link_job(list(dlcs.values()), GEN_1, options="--skip_target_check")
    assert job.wait(60).success, job.get_status().message
    assert notices_of(job)[1] == (
        "The graphs do not share their weights: qualcomm-snapdragon-8gen1 does not support that."
    )
    sizes = [
        Path(target_of(each).download(str(tmp_path / each.job_id))).stat().st_size
        for each in (job, linked)
    ]
    assert sizes[0] > 1.5 * sizes[1]


def test_what_cannot_be_linked(client: Client, dlcs: dict[str, Model]) -> None:
    models = list(dlcs.values())
    twin = target_of(compiled(client, conv_net(), DLC, more=named("small")))
    assert failure_of(client, [models[0], twin], GEN_3).startswith(
        "Several models have a graph named 'small'."
    )
    assert failure_of(client, models, GEN_3, named("huge")) == (
        "The models have no graph 'huge'. They have 'small', 'large'."
    )
    assert "supports integers only" in failure_of(client, models, INTEGERS)


def test_a_dlc_from_elsewhere_is_not_linked(client: Client, tmp_path: Path) -> None:
    (tmp_path / "other.dlc").write_bytes(b"made by another tool")
    job = client.submit_link_job(str(tmp_path / "other.dlc"), GEN_3)
    assert (job.wait(60).message or "").startswith("This hub did not make this DLC")
    assert job.failure_type == "UNSUPPORTED"
