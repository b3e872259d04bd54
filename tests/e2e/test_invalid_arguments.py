"""Arguments that scripts come by: of the wrong type, empty, or of another file system."""

import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.tiny_models import affine

from qai_hub.client import (
    Client,
    CompileJob,
    Device,
    InferenceJob,
    JobArtifactType,
    Project,
    UserError,
)


@pytest.fixture(scope="module")
def profiled(client: Client, compiled: CompileJob, device: Device) -> InferenceJob:
    return client.submit_inference_job(compiled.get_target_model(), device)


@pytest.mark.parametrize("given", [None, "", ".", "..", "../models/m1", "j1?x=1", "j\n1", 5, b"j1"])
def test_what_is_no_identifier_is_never_asked_for(client: Client, given: str) -> None:
    for get, name in (
        (client.get_job, "job_id"),
        (client.get_model, "model_id"),
        (client.get_dataset, "dataset_id"),
    ):
        with pytest.raises(
            UserError, match=rf"^{name} must be an identifier.*{re.escape(repr(given))}"
        ):
            get(given)


def test_a_token_in_place_of_a_configuration_is_not_told() -> None:
    with pytest.raises(UserError, match=r"config must be a ClientConfig, .* not str") as caught:
        Client("s3cr3t")  # type: ignore[arg-type]
    assert "s3cr3t" not in str(caught.value)


def test_a_profile_that_is_no_text() -> None:
    with pytest.raises(UserError, match=r"^5 is not a valid profile name"):
        Client(profile=5)  # type: ignore[arg-type]


@pytest.mark.parametrize("project", [5, "..", "a/b", b"p1"])
def test_what_is_no_project_is_never_asked_for(client: Client, project: str) -> None:
    asked = (client.get_models, client.get_job_summaries, client.iter_jobs, client.iter_models)
    for ask in asked:
        with pytest.raises(UserError, match=r"^project must be "):
            list(ask(project=project))
    with pytest.raises(UserError, match=r"^project must be "):
        client.get_models(project=Project(client, "..", "up"))


def test_an_empty_project_is_none(client: Client, compiled: CompileJob) -> None:
    assert compiled.job_id in {job.job_id for job in client.iter_jobs(project="")}
    assert len(client.get_models(limit=1, project="")) == 1


def test_what_cannot_be_sent(client: Client, compiled: CompileJob, device: Device) -> None:
    with pytest.raises(UserError, match="too long"):
        client.get_devices(name="x" * 100_000)
    with pytest.raises(UserError, match="is no text, but stands for bytes that are not UTF-8"):
        client.get_devices(name="\ud800")
    with pytest.raises(UserError, match="is no text, but stands for bytes that are not UTF-8"):
        compiled.set_name("\ud800")
    with pytest.raises(UserError, match="is no text, but stands for bytes that are not UTF-8"):
        client.submit_compile_job(compiled.model, device, name="\ud800")


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_files_with_names_of_another_encoding(client: Client, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9")
    onnx.save(affine(), str(tmp_path / "model.onnx"))
    model = (tmp_path / "model.onnx").rename(tmp_path / f"{name}.onnx")
    assert client.upload_model(model).name == "caf?.onnx"
    client.upload_dataset({"x": [np.zeros(1, np.float32)]}).download(str(tmp_path / "x.h5"))
    shutil.move(tmp_path / "x.h5", tmp_path / f"{name}.h5")
    assert client.upload_dataset(str(tmp_path / f"{name}.h5")).name == "caf?.h5"


def test_an_empty_path_is_not_the_current_folder(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx.save(affine(), str(tmp_path / "model.onnx"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="path of the model is empty"):
        client.upload_model("")
    assert client.upload_model(".").name == tmp_path.name


def test_a_name_in_place_of_a_type_of_artifacts(compiled: CompileJob, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="JobArtifactType, not 'HUB_LOG'"):
        compiled.download_artifacts_for_type(str(tmp_path), "HUB_LOG")  # type: ignore[arg-type]
    assert compiled.download_artifacts_for_type(str(tmp_path), JobArtifactType.HUB_LOG)


def test_a_message_is_a_text_whatever_the_state(compiled: CompileJob) -> None:
    assert compiled.wait().message == ""
    assert compiled.get_status().message == ""


def test_profiles_go_into_folders(profiled: InferenceJob, tmp_path: Path) -> None:
    first, second = (profiled.download_profile(str(tmp_path)) for _ in range(2))
    assert first == str(tmp_path / f"{profiled.job_id}_profile.json")
    assert second == str(tmp_path / f"{profiled.job_id}_profile_1.json")
    assert Path(first).read_bytes() == Path(second).read_bytes() != b""


def test_no_half_profile_where_the_disk_is_full(profiled: InferenceJob, tmp_path: Path) -> None:
    profiled.wait()
    kept = tmp_path / "kept.json"
    kept.write_text("as it was")
    (tmp_path / "folder").mkdir()
    with _files_of_at_most(60):
        for place in (kept, tmp_path / "new", tmp_path / "folder"):
            with pytest.raises(OSError, match="too large"):
                profiled.download_profile(str(place))
    assert kept.read_text() == "as it was"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "kept.json"]


@contextmanager
def _files_of_at_most(size: int) -> Iterator[None]:
    usual, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        signal.signal(signal.SIGXFSZ, handler)
