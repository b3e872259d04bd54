"""A target model is given again, to those who may see the job that made it."""

from pathlib import Path

import numpy as np
from support.tiny_models import affine
from support.users import COLLEAGUE

from qai_hub.client import Client, CompileJob, Device, JobArtifactType

ONNX = "--target_runtime  onnx"


def compiled(client: Client, device: Device, name: str, options: str = ONNX) -> CompileJob:
    job = client.submit_compile_job(affine(batch="n"), device, name, {"x": (3, 4)}, options)
    assert job.wait(60).success
    found = client.get_job(job.job_id)
    assert isinstance(found, CompileJob)
    return found


def test_a_colleague_who_may_see_it_gets_the_same_model_without_a_run(
    client: Client, colleague: Client, device: Device, tmp_path: Path
) -> None:
    first = compiled(client, device, "mine, and secret")
    first.modify_sharing(add_emails=[COLLEAGUE])
    second = compiled(colleague, device, "theirs")
    assert not any("cache" in notice.message for notice in first.notices)
    (notice,) = second.notices[len(first.notices) :]
    assert (notice.severity, notice.context) == ("INFO", "USER")
    assert notice.message.startswith("Served from the cache: ")
    (log,) = second.download_artifacts_for_type(str(tmp_path), JobArtifactType.HUB_LOG)
    text = Path(log).read_text()
    assert "Served from the cache" in text
    assert "secret" not in text
    files = []
    for job in (first, second):
        target = job.get_target_model()
        assert target is not None
        files.append(Path(target.download(str(tmp_path / job.job_id))).read_bytes())
    assert files[0] == files[1]
    assert second.get_tool_versions() == first.get_tool_versions()
    target = second.get_target_model()
    assert target is not None
    data = {"x": [np.ones((3, 4), np.float32)]}
    run = colleague.submit_inference_job(target, device, data)
    assert run.wait(60).success


def test_a_colleague_cannot_tell_that_it_was_made_before(
    client: Client, colleague: Client, device: Device
) -> None:
    options = f"{ONNX} --output_names other"
    first = compiled(client, device, "mine", options)
    theirs = [compiled(colleague, device, "theirs", options) for _ in range(2)]
    assert theirs[0].notices == first.notices
    # Their own counts.
    assert "Served from the cache" in theirs[1].notices[-1].message
