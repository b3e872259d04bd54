"""What newcomers do wrong, and the next step that each message names."""

import logging
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.clean_environment import plain_environment
from support.scripted_server import Reply, Request, ScriptedServer
from support.tiny_models import affine, averaging
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, ClientConfig, CompileJob, Device, InferenceJob, Job, Model
from qai_hub.config import save_config
from qai_hub.local import LocalHub

__all__ = ["plain_environment"]

pytestmark = pytest.mark.usefixtures("home")
IMAGE = np.zeros((1, 3, 48, 192), np.float32)
# What type checkers would tell a newcomer before it runs.
NOTHING: Any = None
INT8: Any = "int8"
wait_all: Any = hub.wait_all


@dataclass(frozen=True)
class World:
    """A running hub, a stopped one, another server, and what the newcomer has on them."""

    client: Client
    config: ClientConfig
    device: Device
    model: Model
    failed: CompileJob
    job_of_stranger: str
    stopped: str
    page: str
    folder: Path

    def at(self, url: str, token: str | None = None) -> Client:
        return Client(ClientConfig(token or self.config.api_token, url, url))

    def compile(self, model: Any = None, device: Any = None, **arguments: Any) -> Any:
        model = self.model if model is None else model
        return self.client.submit_compile_job(model, device or self.device, **arguments)

    def run(self, inputs: Any, model: Any = None, **arguments: Any) -> Any:
        return self.client.submit_inference_job(
            model or self.model, self.device, inputs, profile=False, **arguments
        )

    def file(self, name: str) -> str:
        return str(self.folder / name)


Commit = Callable[[World], object]


def with_variable(name: str, value: str, commit: Commit) -> Commit:
    """Returns a mistake that an environment variable is part of."""

    def committed(world: World) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(name, value)
            for exception in ("NO_PROXY", "no_proxy"):
                patch.delenv(exception, raising=False)
            return commit(world)

    return committed


RAISED: dict[str, tuple[Commit, type[Exception], str]] = {
    "profile written, not chosen": (
        lambda w: Client().get_devices(),
        hub.UserError,
        'hub.Client(profile="local"), `qai-hub --profile local` or QAIHUB_CLIENT_INI=',
    ),
    "misspelt profile": (
        lambda w: Client(profile="locl"),
        FileNotFoundError,
        "Did you mean 'local'?",
    ),
    "hub not started": (
        lambda w: w.at(w.stopped).get_devices(),
        hub.InternalError,
        "Start a local hub with `qai-hub serve --port ",
    ),
    "wrong token": (
        lambda w: w.at(w.config.api_url, "wrong-token").get_devices(),
        hub.UserError,
        "The profile 'local' is for this hub: choose it with hub.Client(profile=\"local\")",
    ),
    "https for http": (
        lambda w: w.at(w.config.api_url.replace("http:", "https:")).get_devices(),
        hub.InternalError,
        "Write http:// in place of https:// in api_url.",
    ),
    "port of another server": (
        lambda w: w.at(w.page).get_devices(),
        hub.InternalError,
        "a page titled 'Notebook'. Check api_url",
    ),
    "address without a scheme": (
        lambda w: w.at("127.0.0.1:8642"),
        hub.UserError,
        "api_url must be a URL like https://host or http://127.0.0.1:8642",
    ),
    "address with /api/v1": (
        lambda w: w.at("http://127.0.0.1:8642/api/v1/"),
        hub.UserError,
        "write http://127.0.0.1:8642.",
    ),
    "address of a page": (
        lambda w: w.at(f"{w.config.api_url}/jobs").get_devices(),
        hub.UserError,
        "right after the host. Check api_url.",
    ),
    "token for a client": (
        lambda w: Client("TOKEN"),  # type: ignore[arg-type]
        hub.UserError,
        "such as ClientConfig(token)",
    ),
    "quoted token": (
        lambda w: w.at(w.stopped, 'a token"'),
        hub.UserError,
        "copy only the token",
    ),
    "device in lower case": (
        lambda w: w.compile(device=Device("samsung galaxy s24")),
        hub.UserError,
        "Did you mean 'Samsung Galaxy S24'?",
    ),
    "misspelt device": (
        lambda w: w.compile(device=Device("Samsung Galaxy S23 Utra")),
        hub.UserError,
        "Did you mean 'Samsung Galaxy S23 Ultra'",
    ),
    "part of a device's name": (
        lambda w: hub.check_model(w.file("model.onnx"), Device("Galaxy S24 Ultra")),
        hub.UserError,
        "Did you mean 'Samsung Galaxy S24 Ultra'?",
    ),
    "device with another system": (
        lambda w: w.compile(device=Device("Samsung Galaxy S24", os="12")),
        hub.UserError,
        "Versions of its operating system: '14'.",
    ),
    "misspelt attribute": (
        lambda w: w.compile(device=Device(attributes="framework:qn")),
        hub.UserError,
        "Did you mean 'framework:qnn'?",
    ),
    "name in place of a device": (
        lambda w: w.compile(device="Samsung Galaxy S24"),
        hub.UserError,
        "such as Device('Samsung Galaxy S24')",
    ),
    "misspelt path": (
        lambda w: w.compile(w.file("modle.onnx")),
        FileNotFoundError,
        "Did you mean 'model.onnx'?",
    ),
    "folder of something else": (
        lambda w: w.compile(w.file("notes")),
        hub.UserError,
        "Pass the file of the model, or a folder of its own.",
    ),
    "TensorFlow model": (
        lambda w: w.compile(w.file("model.h5")),
        hub.UserError,
        "Convert TensorFlow models to ONNX",
    ),
    "weights of PyTorch": (
        lambda w: w.compile(w.file("weights.pt")),
        hub.UserError,
        "export that with torch.export.export",
    ),
    "TorchScript without input_specs": (
        lambda w: w.compile(w.file("script.pt")),
        hub.UserError,
        'needs input_specs, such as {"image": (1, 3, 224, 224)}',
    ),
    "empty file": (
        lambda w: w.compile(w.file("empty.onnx")),
        hub.UserError,
        "export the model again",
    ),
    "job in place of its model": (
        lambda w: w.run({"x": [IMAGE]}, w.failed),
        hub.UserError,
        "pass its target model, get_target_model().",
    ),
    "target model of a failed job": (
        lambda w: w.failed.get_target_model().download(w.file("target.onnx")),  # type: ignore[union-attr]
        hub.UserError,
        "its job failed. The file is not an ONNX model, or it is damaged",
    ),
    "source model where DLCs are linked": (
        lambda w: w.client.submit_link_job(w.model, w.device),
        hub.UserError,
        "Compile it with --target_runtime qnn_dlc.",
    ),
    "dynamic size in input_specs": (
        lambda w: w.compile(input_specs={"x": (None, 3, 48, 192)}),
        hub.UserError,
        "Give the size that the model will run with.",
    ),
    "misspelt dtype": (
        lambda w: w.compile(input_specs={"x": ((1, 3, 48, 192), "flaot32")}),
        hub.UserError,
        "Did you mean 'float32'?",
    ),
    "float64 samples": (
        lambda w: w.run({"x": [IMAGE.astype(np.float64)]}),
        hub.UserError,
        "sample.astype(np.float32)",
    ),
    "lists in place of arrays": (
        lambda w: w.run({"x": [IMAGE.tolist()]}),
        hub.UserError,
        "np.asarray(sample, dtype=np.float32)",
    ),
    "array in place of a dataset": (
        lambda w: w.run(IMAGE),
        hub.UserError,
        'like {"image": [array]}',
    ),
    "calibration data forgotten": (
        lambda w: w.client.submit_quantize_job(w.model, NOTHING),
        hub.UserError,
        'like {"image": [array]}',
    ),
    "precision as text": (
        lambda w: w.client.submit_quantize_job(w.model, {"x": [IMAGE]}, INT8),
        ValueError,
        "such as QuantizeDtype.INT8",
    ),
    "options as a dictionary": (
        lambda w: w.compile(options={"target_runtime": "onnx"}),
        hub.UserError,
        "write '--target_runtime onnx'.",
    ),
    "job of somebody else": (
        lambda w: w.client.get_job(w.job_of_stranger),
        hub.UserError,
        "check the identifier, or ask its owner to share it.",
    ),
    "model's identifier for a job": (
        lambda w: w.client.get_job(w.model.model_id),
        hub.UserError,
        "use get_model().",
    ),
    "URL in place of an identifier": (
        lambda w: w.client.get_job(w.failed.url),
        hub.UserError,
        "Pass 'j",
    ),
    "wait for an identifier": (
        lambda w: wait_all([w.failed.job_id]),
        TypeError,
        "pass jobs, such as hub.get_job returns.",
    ),
    "name that is too long": (
        lambda w: w.compile(name="x" * 300),
        hub.UserError,
        "pass at most 255",
    ),
    "address that is none": (
        lambda w: w.failed.modify_sharing(add_emails=["me at example.com"]),
        hub.UserError,
        "'name@example.com'",
    ),
}

RAISED |= {
    "TensorFlow Lite model called .onnx": (
        lambda w: w.compile(w.file("lite.onnx")),
        hub.UserError,
        "give it the suffix .tflite.",
    ),
    "Keras model called .onnx": (
        lambda w: w.compile(w.file("keras.onnx")),
        hub.UserError,
        "Convert TensorFlow models to ONNX",
    ),
    "PyTorch model called .onnx": (
        lambda w: w.compile(w.file("torch.onnx")),
        hub.UserError,
        "that of PyTorch, .pt2 or .pt, if that wrote it.",
    ),
    "page of a download": (
        lambda w: w.compile(w.file("page.onnx")),
        hub.UserError,
        "download the file itself.",
    ),
    "clone without Git LFS": (
        lambda w: w.compile(w.file("pointer.onnx")),
        hub.UserError,
        "run `git lfs pull`.",
    ),
    "array in a file of NumPy": (
        lambda w: w.run(w.file("array.npy")),
        hub.UserError,
        'save it under the name of the input, np.savez("inputs.npz", NAME=np.load(',
    ),
    "folder in place of a dataset": (
        lambda w: w.run(w.file("notes")),
        hub.UserError,
        "a folder can be a dataset if it holds nothing but .npz files, one for each sample.",
    ),
    "download to a device": (
        lambda w: w.model.download("/dev/null"),
        hub.UserError,
        "which no file replaces: give the path of a file.",
    ),
    "results into a file": (
        lambda w: w.failed.download_results(w.file("model.onnx")),
        hub.UserError,
        "give the path of a folder.",
    ),
    "hub of another profile stopped": (
        lambda w: w.at(w.stopped, "of-no-profile").get_devices(),
        hub.InternalError,
        " --profile local-",
    ),
    "certificates that are not there": (
        with_variable(
            "SSL_CERT_FILE", "/absent.pem", lambda w: w.at("https://127.0.0.1:9").get_devices()
        ),
        hub.UserError,
        "Correct or unset the variable.",
    ),
    "proxy for this machine": (
        with_variable("HTTP_PROXY", "http://127.0.0.1:9", lambda w: w.client.get_devices()),
        hub.InternalError,
        "or add the host to NO_PROXY if it can be reached directly.",
    ),
    "outdated token in the environment": (
        with_variable(
            "QAI_HUB_API_TOKEN",
            "wrong-token",
            lambda w: w.at(w.config.api_url, "wrong-token").get_devices(),
        ),
        hub.UserError,
        "It is from QAI_HUB_API_TOKEN: unset it, and choose the profile 'local'",
    ),
}

FAILED: dict[str, tuple[Callable[[World], Job], str]] = {
    "misspelt runtime": (
        lambda w: w.compile(options="--target_runtime qnn_contxt_binary"),
        "Did you mean 'qnn_context_binary'?",
    ),
    "option without dashes": (
        lambda w: w.compile(options="target_runtime onnx"),
        "Did you mean '--target_runtime'?",
    ),
    "option of another job": (
        lambda w: w.compile(options="--max_profiler_iterations 10"),
        "is for inference and profile jobs, not for compile jobs: leave it out here.",
    ),
    "channels last": (
        lambda w: w.run({"x": [IMAGE.transpose(0, 2, 3, 1)]}),
        "Pass numpy.transpose(sample, (0, 3, 1, 2)).",
    ),
    "int64 samples": (
        lambda w: w.run({"x": [IMAGE.astype(np.int64)]}),
        "Convert it with .astype(numpy.float32)",
    ),
    "misspelt input": (
        lambda w: w.run({"X": [IMAGE]}),
        "(did you mean 'x'?), missing: 'x'). The model takes 'x': float32[1, 3, 48, 192].",
    ),
    "batch dimension twice": (
        lambda w: w.run({"x": [IMAGE[np.newaxis]]}),
        "Pass sample[0].",
    ),
    "weights left behind": (
        lambda w: w.compile(w.file("without.onnx")),
        "'weights.data': upload the directory with both files.",
    ),
    "options in quotes twice": (
        lambda w: w.compile(options="'--target_runtime onnx'"),
        "Quotes make it a single word: leave them out.",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that a newcomer may have."""
    made = tmp_path_factory.mktemp("models")
    onnx.save(averaging(), made / "model.onnx")
    (made / "damaged.onnx").write_bytes(b"no model")
    (made / "empty.onnx").touch()
    (made / "model.h5").write_bytes(b"\x89HDF")
    (made / "weights.pt").write_bytes(b"\x80\x02")
    (made / "lite.onnx").write_bytes(b"\x1c\0\0\0TFL3")
    (made / "keras.onnx").write_bytes(b"\x89HDF\r\n\x1a\n")
    (made / "page.onnx").write_bytes(b"\n<!DOCTYPE html><title>Models</title>")
    (made / "pointer.onnx").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    np.save(made / "array.npy", IMAGE)
    onnx.save_model(
        affine(),
        made / "without.onnx",
        save_as_external_data=True,
        location="weights.data",
        size_threshold=0,
    )
    (made / "weights.data").unlink()
    (made / "notes").mkdir()
    (made / "notes" / "README.txt").touch()
    with zipfile.ZipFile(made / "script.pt", "w") as archive:
        archive.writestr("script/code/model.py", "")
    shutil.copy(made / "script.pt", made / "torch.onnx")
    return made


@pytest.fixture(scope="module")
def world(lh: LocalHub, stranger: Client, device: Device, folder: Path) -> Iterator[World]:
    client = Client(lh.config(ME))
    failed = client.submit_compile_job(str(folder / "damaged.onnx"), device)
    theirs = stranger.submit_compile_job(affine(), device)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopped = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def answer(_: Request) -> Reply:
        page = b"<html><title>Notebook</title></html>"
        return Reply(200, page, {"Content-Type": "text/html"})

    model = client.upload_model(str(folder / "model.onnx"))
    with ScriptedServer(answer) as server:
        yield World(
            *(client, client.config, device, model, failed, theirs.job_id, stopped, server.url),
            folder,
        )


@pytest.fixture
def home(plain_environment: pytest.MonkeyPatch, lh: LocalHub, tmp_path: Path) -> Path:
    """A home folder with the profile that `qai-hub serve` writes, and no other configuration."""
    for variable in ("QAIHUB_CLIENT_INI", "QAI_HUB_API_TOKEN", "QAI_HUB_API_URL"):
        plain_environment.delenv(variable, raising=False)
    for variable in ("HOME", "USERPROFILE"):
        plain_environment.setenv(variable, str(tmp_path))
    save_config(lh.config(ME), "local", environ={}, home=tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def reasons(world: World) -> dict[str, str]:
    """Why the jobs of `FAILED` failed, which run side by side."""
    jobs = {what: submit(world) for what, (submit, _) in FAILED.items()}
    statuses = hub.wait_all(jobs.values(), 240)
    return {what: status.message or "" for what, status in zip(jobs, statuses, strict=True)}


def check_wording(message: str, next_step: str, world: World) -> None:
    assert next_step in message
    assert message.isprintable(), "more than one line"
    assert message.endswith((".", "?")), "ends without a full stop"
    assert len(message) <= 600
    for hidden in (world.config.api_token, "wrong-token", "Traceback", "signature="):
        assert hidden not in message


def test_there_are_62() -> None:
    assert len(RAISED) + len(FAILED) == 62


@pytest.mark.parametrize("mistake", RAISED)
def test_an_error_names_the_next_step(mistake: str, world: World) -> None:
    commit, kind, next_step = RAISED[mistake]
    with pytest.raises(kind) as caught:
        commit(world)
    check_wording(str(caught.value), next_step, world)


@pytest.mark.parametrize("mistake", FAILED)
def test_a_failed_job_names_the_next_step(
    mistake: str, world: World, reasons: dict[str, str]
) -> None:
    check_wording(reasons[mistake], FAILED[mistake][1], world)


def test_what_is_certain_is_not_tried_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "qai_hub")
    for url in (world.stopped, world.config.api_url.replace("http:", "https:")):
        with pytest.raises(hub.InternalError):
            world.at(url).get_devices()
    assert "retrying" not in caplog.text
    assert caplog.text.count("GET http") == 2


def test_a_stopped_hub_and_one_that_runs_are_named_by_their_profiles(
    world: World, home: Path
) -> None:
    stopped = ClientConfig("token", world.stopped, world.stopped)
    save_config(stopped, "mine", environ={}, home=home)
    with pytest.raises(hub.InternalError) as caught:
        Client(profile="mine").get_devices()
    step = f"the profile 'local', whose server at {world.config.api_url} runs"
    check_wording(str(caught.value), step, world)
    assert "to which the profile 'mine' points" in str(caught.value)
    assert "--profile mine`" in str(caught.value)


def test_the_token_of_the_hubs_own_profile_is_renewed(world: World, home: Path) -> None:
    config = ClientConfig("revoked", world.config.api_url, world.config.api_url)
    save_config(config, "local", environ={}, home=home)
    with pytest.raises(hub.UserError) as caught:
        Client(profile="local").get_devices()
    port = world.config.api_url.rpartition(":")[2]
    step = f"`qai-hub serve --port {port}` writes a valid one to the profile 'local'"
    check_wording(str(caught.value), step, world)
    assert "configure" not in str(caught.value)


def test_a_list_without_devices_is_explained(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    assert world.client.get_devices("samsung galaxy s24") == []
    warnings = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert warnings == [
        "No device matches 'samsung galaxy s24'. Did you mean 'Samsung Galaxy S24'?"
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_other_ways_to_write_the_address_work(world: World, host: str) -> None:
    url = world.config.api_url.replace("127.0.0.1", host) + "/"
    assert world.at(url).get_devices("Samsung Galaxy S24")


def test_nan_in_inputs_and_outputs_is_told(client: Client, device: Device) -> None:
    zeros, ones = np.zeros((1, 4), np.float32), np.ones((1, 4), np.float32)
    samples = [ones, ones * np.nan, ones * np.nan]
    told: list[list[str]] = []
    for model, inputs in (
        (affine(), samples),
        # Infinity alone is told nowhere; infinity by zero is NaN.
        (affine(scale=np.inf), [ones, zeros]),
        (affine(), [ones * np.inf]),
    ):
        job = client.submit_inference_job(model, device, {"x": inputs}, profile=False)
        assert isinstance(job, InferenceJob)
        assert job.wait(60).success
        told.append([each.message for each in job.notices if each.severity == "WARNING"])
    assert told == [
        ["The input 'x' contains NaN on 2 of 3 samples, first on sample 1."],
        ["The output 'y' contains NaN on 1 of 2 samples, first on sample 1."],
        [],
    ]
