"""What jobs that have really run tell: profiles, tools, and who submitted them."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from support.users import COLLEAGUE, ME

import qai_hub as hub
from qai_hub.client import Client, CompileJob, Device, InferenceJob, Model, SourceModelType


@pytest.fixture(scope="module")
def profiled(client: Client, target: Model, device: Device) -> InferenceJob:
    job = client.submit_inference_job(target, device, options="--max_profiler_iterations 7")
    assert job.wait(60).success
    return job


def test_a_profile_has_what_the_dictionary_has(profiled: InferenceJob, tmp_path: Path) -> None:
    profile, told = profiled.get_profile(), profiled.download_profile()
    assert profile is not None
    assert told == profile.to_dict()
    summary = told["execution_summary"]
    assert profile.inference.time == summary["estimated_inference_time"]
    assert profile.inference.time == min(profile.inference.all_times)
    assert len(profile.inference.all_times) == 7
    assert list(profile.inference.all_times) == summary["all_inference_times"]
    assert profile.first_load.time == summary["first_load_time"]
    assert profile.warm_load.time == summary["warm_load_time"]
    assert not profile.compile.is_measured
    assert profile.inference.peak_memory == summary["estimated_inference_peak_memory"]
    assert profile.inference.peak_memory_range == summary["inference_memory_peak_range"]
    assert [layer.type for layer in profile.layers] == ["Mul", "Add"]
    assert list(profile.compute_units) == ["CPU"]
    assert set(profile.slowest(1)) < set(profile.layers)
    assert len(profile.to_pandas()) == 2
    assert "host CPU" in profile.runtime["Measured on"]
    assert "not of a device" in repr(profile)
    assert "host CPU" in profile._repr_html_()
    result = profiled.download_results(str(tmp_path))
    assert result.typed_profile == profile


def test_tool_versions_are_those_that_are_installed(
    compiled: CompileJob, profiled: InferenceJob, client: Client, target: Model, device: Device
) -> None:
    tools = compiled.get_tool_versions()
    assert tools["ONNX Runtime"] == version("onnxruntime")
    assert tools["ONNX"] == version("onnx")
    assert profiled.get_tool_versions() == tools
    inputs = {"x": [np.zeros((2, 4), np.float32)]}
    unprofiled = client.submit_inference_job(target, device, inputs, profile=False)
    assert unprofiled.get_tool_versions() == tools
    with pytest.raises(hub.UserError, match="profile=True"):
        unprofiled.get_profile()


def test_jobs_and_summaries_tell_who_submitted_them(
    profiled: InferenceJob, client: Client, colleague: Client
) -> None:
    profiled.modify_sharing(add_emails=[COLLEAGUE])
    theirs = colleague.get_job(profiled.job_id)
    assert theirs.owner == profiled.owner == hub.User(ME)
    summary = next(s for s in colleague.iter_job_summaries() if s.job_id == profiled.job_id)
    assert summary.owner == theirs.owner
    assert summary.username == ME
    profiled.disable_sharing()


def test_summaries_tell_what_the_jobs_tell(
    profiled: InferenceJob, compiled: CompileJob, client: Client, device: Device
) -> None:
    summaries = {summary.job_id: summary for summary in client.iter_job_summaries()}
    for job in (profiled, compiled):
        summary = summaries[job.job_id]
        assert summary.project_id == job.project_id
        assert (summary.device_name, summary.device_os_version) == (device.name, job.device.os)
        assert summary.target_model_type is SourceModelType.ONNX
        assert summary.started_at == job.started_at
