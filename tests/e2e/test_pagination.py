"""Going through whole lists of a hub on which others are at work."""

import threading
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
import pytest
from support.tiny_models import affine
from support.users import COLLEAGUE, ME

import qai_hub as hub
from qai_hub.client import (
    Client,
    ClientConfig,
    CompileJob,
    Device,
    InferenceJob,
    JobStatus,
    JobType,
    Model,
)

DATA = {"x": [np.zeros((1, 4), np.float32)]}


@pytest.fixture(scope="module")
def run(client: Client, target: Model, device: Device) -> InferenceJob:
    """A profile job that has succeeded."""
    job = client.submit_inference_job(target, device, options="--max_profiler_iterations 2")
    assert job.wait(60).success
    return job


@pytest.fixture(scope="module")
def failed(client: Client, device: Device) -> CompileJob:
    job = client.submit_compile_job(
        affine(), device, options="--target_runtime qnn_lib_aarch64_android"
    )
    assert job.wait(60).failure
    return job


def test_all_jobs_come_once_in_order(
    client: Client, compiled: CompileJob, run: InferenceJob, failed: CompileJob
) -> None:
    listed = [summary.job_id for summary in client.get_job_summaries(limit=1000)]
    assert {compiled.job_id, run.job_id, failed.job_id} <= set(listed)
    for page_size, count in ((1, 10), (2, 11), (50, None), (1000, None)):
        jobs = islice(client.iter_jobs(page_size=page_size), count)
        assert [job.job_id for job in jobs] == listed[:count]
        summaries = islice(client.iter_job_summaries(page_size=page_size), count)
        assert [summary.job_id for summary in summaries] == listed[:count]
    found = {job.job_id: job for job in client.iter_jobs()}
    assert isinstance(found[compiled.job_id], CompileJob)
    assert found[failed.job_id].failure_type == failed.failure_type
    profile = found[run.job_id]
    assert isinstance(profile, InferenceJob)
    assert profile.get_profile() == run.get_profile()


def test_jobs_are_filtered(
    client: Client,
    stranger: Client,
    compiled: CompileJob,
    run: InferenceJob,
    failed: CompileJob,
) -> None:
    def both(**filters: object) -> set[str]:
        jobs = {job.job_id for job in client.iter_jobs(**filters)}  # type: ignore[arg-type]
        short = {s.job_id for s in client.iter_job_summaries(**filters)}  # type: ignore[arg-type]
        assert jobs == short
        return jobs

    assert failed.job_id in both(state=JobStatus.State.FAILED)
    assert compiled.job_id not in both(state=JobStatus.State.FAILED)
    ended = [JobStatus.State.FAILED, JobStatus.State.SUCCESS]
    assert both(state=ended, type=JobType.COMPILE) >= {compiled.job_id, failed.job_id}
    assert run.job_id not in both(type=JobType.COMPILE)
    assert run.job_id in both(type=JobType.PROFILE)
    assert both(creator="nobody@example.com") == set()
    assert compiled.job_id in both(creator=ME)
    assert compiled.project_id is not None
    assert compiled.job_id in both(project=compiled.project_id, page_size=50)
    assert not {job.job_id for job in stranger.iter_jobs()} & both()
    with pytest.raises(hub.UserError, match="pnothing1"):
        next(client.iter_jobs(project="pnothing1"))


def test_models_come_once_also_by_project(client: Client, target: Model) -> None:
    listed = [model.model_id for model in client.get_models(limit=1000)]
    assert target.model_id in listed
    assert [model.model_id for model in client.iter_models(page_size=2)] == listed
    project = next(client.iter_jobs()).project_id
    assert [model.model_id for model in client.iter_models(project, page_size=3)] == listed


def test_nothing_is_left_out_or_comes_twice_while_others_upload(client: Client) -> None:
    before = [client.upload_dataset(DATA, f"before {n}").dataset_id for n in range(9)]
    stop = threading.Event()
    made: list[str] = []

    def upload() -> None:
        while not stop.is_set():
            made.append(client.upload_dataset(DATA, "meanwhile").dataset_id)

    uploader = threading.Thread(target=upload)
    uploader.start()
    try:
        found = []
        for dataset in client.iter_datasets(page_size=2):
            found.append(dataset.dataset_id)
            seen = len(made)
            while len(made) <= seen:
                stop.wait(0.002)
    finally:
        stop.set()
        uploader.join()
    assert len(made) > 9
    assert len(found) == len(set(found))
    assert [key for key in found if key in before] == before[::-1]


def test_nothing_is_left_out_while_others_go(client: Client, colleague: Client) -> None:
    shared = [client.upload_dataset(DATA, f"shared {n}") for n in range(8)]
    for dataset in shared:
        dataset.modify_sharing(add_emails=[COLLEAGUE])
    by_id = {dataset.dataset_id: dataset for dataset in shared}
    found = []
    for dataset in colleague.iter_datasets(page_size=2):
        found.append(dataset.dataset_id)
        if len(found) % 2 == 0 and found[-1] in by_id:
            # What has been seen goes: by offset, the next page would begin too late.
            by_id[found[-1]].disable_sharing()
    assert [key for key in found if key in by_id] == list(by_id)[::-1]


def test_jobs_are_searched(client: Client, compiled: CompileJob, run: InferenceJob) -> None:
    def find(**filters: Any) -> list[str]:
        jobs = [job.job_id for job in client.iter_jobs(**filters)]
        short = [summary.job_id for summary in client.iter_job_summaries(**filters)]
        page = client.get_job_summaries(limit=1000, **filters)
        assert jobs == short == [each.job_id for each in page]
        return jobs

    assert find(name=run.job_id.upper()) == [run.job_id]
    assert set(find(model=run.model)) >= {compiled.job_id, run.job_id}
    assert compiled.job_id in find(model=run.model.model_id, type=JobType.COMPILE)
    assert find(device="no such device") == []
    found = find(device="galaxy", before=datetime.now() + timedelta(days=1))
    assert {compiled.job_id, run.job_id} <= set(found)
    assert find(before=date(2020, 1, 1)) == []
    assert compiled.created_at is not None
    until = compiled.created_at + timedelta(microseconds=1)
    assert find(after=compiled.created_at, before=until) == [compiled.job_id]
    for offset in (0, 1, 5):
        skipped = client.get_job_summaries(offset, 1, device="galaxy")
        assert [summary.job_id for summary in skipped] == found[offset : offset + 1]


def test_searches_need_a_local_hub() -> None:
    official = Client(
        ClientConfig("token", "https://workbench.aihub.qualcomm.com", "https://aihub.qualcomm.com")
    )
    for filters in (
        {"name": "x"},
        {"device": "x"},
        {"model": "mabc12345"},
        {"after": date(2026, 1, 2)},
    ):
        with pytest.raises(hub.UserError, match="only a local hub can"):
            official.iter_jobs(**filters)
