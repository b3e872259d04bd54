"""Deprecated names: they work, and warn at the line that used them."""

import inspect
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tiny_models import affine
from support.users import ME

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, Model
from qai_hub.local import LocalHub

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def default(client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The client of the module-level functions."""
    monkeypatch.setattr(hub.hub, "_global_client", client)
    return client


def warned(call: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, list[str]]:
    """What a call gives, and its warnings, which must all point to the line of the call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(*args, **kwargs)
    assert {warning.category for warning in caught} <= {DeprecationWarning}
    assert {warning.filename for warning in caught} <= {__file__}
    return result, [str(warning.message) for warning in caught]


def test_target_shapes(compiled: CompileJob) -> None:
    shapes, (told,) = warned(lambda: compiled.target_shapes)
    assert shapes == compiled.get_target_shapes() == {"x": ((2, 4), "float32")}
    assert "get_target_shapes" in told


def test_producer(compiled: CompileJob, target: Model) -> None:
    producer, (told,) = warned(lambda: target.producer)
    assert producer.job_id == compiled.job_id
    assert "get_producer" in told


def test_submit_profile_job(default: Client, target: Model, device: Device) -> None:
    for submit in (default.submit_profile_job, hub.submit_profile_job):
        job, (told,) = warned(submit, target, device, "profiled")
        assert isinstance(job, hub.InferenceJob)
        assert (job.name, job.profiling) == ("profiled", True)
        assert "submit_inference_job" in told


def test_submit_compile_and_profile_jobs_warns_once(
    default: Client, target: Model, device: Device
) -> None:
    for submit in (default.submit_compile_and_profile_jobs, hub.submit_compile_and_profile_jobs):
        pair, (told,) = warned(submit, target, device)
        assert pair[1].profiling
        assert "submit_inference_job" in told


def test_compiling_torchscript(default: Client, device: Device, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"as good as any for a hub that does not look into it yet")
    uploaded, nothing = warned(hub.upload_model, path)
    assert nothing == []
    specs = {"x": (1, 4)}
    for submit in (default.submit_compile_job, hub.submit_compile_job):
        for model in (uploaded, str(path)):
            job, (told,) = warned(submit, model, device, input_specs=specs)
            assert job.shapes == {"x": ((1, 4), "float32")}
            assert "torch.export" in told
    _, (told,) = warned(hub.submit_compile_and_link_jobs, uploaded, device, "n", specs)
    assert "torch.export" in told


def test_set_session_token(lh: LocalHub) -> None:
    client = lh.client(ME)
    token = client.config.api_token
    _, (told,) = warned(client.set_session_token, "another")
    assert "ClientConfig" in told
    assert client.config.api_token == "another"
    warned(client.set_session_token, token)
    assert client.get_devices("Samsung Galaxy S24")


def test_what_is_deprecated_says_so() -> None:
    for thing in (
        Client.submit_profile_job,
        Client.submit_compile_and_profile_jobs,
        Client.set_session_token,
        hub.submit_profile_job,
        CompileJob.target_shapes,
        Model.producer,
    ):
        assert "Deprecated: " in (inspect.getdoc(thing) or "")


def test_nothing_else_warns(client: Client, compiled: CompileJob, device: Device) -> None:
    job = client.submit_compile_job(affine(), device, input_specs={"x": (1, 4)})
    assert job.get_target_model() is not None
    assert compiled.get_target_shapes()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_examples_use_nothing_that_is_deprecated(path: Path) -> None:
    text = path.read_text("utf-8")
    for name in (
        "submit_profile_job",
        "submit_compile_and_profile_jobs",
        "set_session_token",
        ".producer",
        ".target_shapes",
    ):
        assert name not in text
