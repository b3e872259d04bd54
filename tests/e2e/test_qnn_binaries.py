"""Context binaries that come back from their users: whole, damaged, exchanged, or embedded."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from support.execution_models import conv_net, samples
from support.qnn import (
    BINARY,
    DLC,
    GEN_2,
    GEN_3,
    PRECOMPILED,
    compiled,
    refused,
    simulated,
    target_of,
)

import qai_hub as hub
from qai_hub.client import Client, Model, SourceModelType

X = {"x": samples(2, 1, 3, 16, 16)}


@pytest.fixture(scope="module")
def binary(client: Client) -> Model:
    return target_of(compiled(client, conv_net(), BINARY))


@pytest.fixture(scope="module")
def file(binary: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(binary.download(str(tmp_path_factory.mktemp("binary") / "model.bin")))


@pytest.fixture(scope="module")
def expected(client: Client, binary: Model) -> list[bytes]:
    """What the binary gives."""
    return outputs_of(client, binary)


def outputs_of(client: Client, model: str | Path | Model) -> list[bytes]:
    """What a model gives on a chip, to the bit."""
    _, outputs = simulated(client, model, X)
    return [y.tobytes() for y in outputs["y"]]


def failure_of(client: Client, model: str | Path | Model, device: hub.Device = GEN_3) -> str:
    job = client.submit_inference_job(model, device, X, profile=False)
    status = job.wait(60)
    assert status.failure
    return f"{job.failure_type}: {status.message}"


def test_a_downloaded_binary_that_is_uploaded_again_runs(
    colleague: Client, file: Path, expected: list[bytes]
) -> None:
    again = colleague.upload_model(file)

    assert again.model_type is SourceModelType.QNN_CONTEXT_BINARY
    assert outputs_of(colleague, again) == expected
    assert "was compiled for qualcomm-snapdragon-8gen3" in failure_of(colleague, again, GEN_2)


def test_a_downloaded_dlc_that_is_uploaded_again_runs(client: Client, tmp_path: Path) -> None:
    made = target_of(compiled(client, conv_net(), DLC))
    again = client.upload_model(made.download(str(tmp_path / "model")))
    assert outputs_of(client, again) == outputs_of(client, made)


@pytest.mark.parametrize("suffix", [".bin", ".dlc"])
def test_a_binary_from_elsewhere_is_refused(
    client: Client, file: Path, suffix: str, tmp_path: Path
) -> None:
    """A changed byte would crash QNN, or pass without a word."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    other = tmp_path / f"other{suffix}"
    other.write_bytes(content)
    reason = failure_of(client, other)
    what = {".bin": "context binary", ".dlc": "DLC"}[suffix]
    assert reason.startswith(f"UNSUPPORTED: This hub did not make this {what}, so neither its chip")


@pytest.fixture
def precompiled(client: Client, tmp_path: Path) -> Path:
    """The folder of a precompiled model."""
    made = target_of(compiled(client, conv_net(), PRECOMPILED))
    with ZipFile(made.download(str(tmp_path / "precompiled"))) as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked" / "model.onnx"


def test_a_precompiled_model_that_is_uploaded_again_runs(
    client: Client, precompiled: Path, expected: list[bytes]
) -> None:
    assert outputs_of(client, precompiled) == expected


def test_a_precompiled_model_is_compiled_no_further(client: Client, precompiled: Path) -> None:
    for job in (
        client.submit_compile_job(precompiled, GEN_3, options="--target_runtime onnx"),
        client.submit_quantize_job(precompiled, X),
    ):
        assert (job.wait(60).message or "").startswith("The model is already compiled: ")
        assert job.failure_type == "MODEL_INVALID"


def test_an_exchanged_binary_within_it_is_refused(client: Client, precompiled: Path) -> None:
    other = target_of(compiled(client, conv_net(2), BINARY))
    (precompiled / "model.bin").unlink()
    other.download(str(precompiled / "model.bin"))
    reason = failure_of(client, precompiled)
    assert reason.startswith("MODEL_CORRUPT: The context binary beside the model is damaged")


def test_a_precompiled_model_without_its_binary_is_refused(
    client: Client, precompiled: Path
) -> None:
    reason = failure_of(client, precompiled / "model.onnx")
    assert reason.startswith("MODEL_INVALID: The context binary of the model is not beside it")


def test_a_binary_is_embedded_into_an_onnx_model(
    client: Client, binary: Model, file: Path, expected: list[bytes], tmp_path: Path
) -> None:
    job = client.submit_compile_job(binary, GEN_3)

    assert job.wait(60).success, job.get_status().message
    made = target_of(job)
    assert made.model_type is SourceModelType.ONNX
    assert job.get_target_shapes() == {"x": ((1, 3, 16, 16), "float32")}
    with ZipFile(made.download(str(tmp_path / "embedded"))) as archive:
        assert archive.read("model.onnx/model.bin") == file.read_bytes()
    assert outputs_of(client, made) == expected


def test_a_binary_is_embedded_for_its_own_chip_only(client: Client, binary: Model) -> None:
    job = client.submit_compile_job(binary, GEN_2)
    assert "compile it for this device" in (job.wait(60).message or "")


def test_a_compile_job_makes_one_graph(client: Client) -> None:
    runtime = f"{BINARY} --qnn_options context_enable_graphs=a,b"
    cause, reason = refused(client, conv_net(), runtime)
    assert cause == "INVALID_ARGUMENT"
    assert reason == "A compile job makes one graph, but context_enable_graphs names 2."
