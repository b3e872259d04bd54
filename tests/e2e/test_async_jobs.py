"""The asynchronous client, on a hub whose jobs really run, over both wires."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.fake_worker import FakeWorker
from support.tiny_models import affine
from support.users import COLLEAGUE, ME

import qai_hub as hub
from qai_hub.aio import AsyncClient
from qai_hub.local import LocalHub

WIRES = pytest.mark.parametrize("wire", ["json", "protobuf"])
SPECS = {"x": (2, 4)}
ONNX = "--target_runtime onnx"
EMAIL = COLLEAGUE.partition("=")[0]


@asynccontextmanager
async def client_of(lh: LocalHub, wire: Any = "json") -> AsyncIterator[AsyncClient]:
    async with AsyncClient(replace(lh.config(ME), wire=wire)) as client:
        yield client


def read(path: str) -> bytes:
    return Path(path).read_bytes()


@WIRES
def test_from_a_model_to_its_outputs(
    lh: LocalHub, device: hub.Device, tmp_path: Path, wire: Any
) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            compiled = await client.submit_compile_job(
                affine(batch="n"), device, "affine", SPECS, ONNX
            )
            target = await client.get_target_model(compiled)
            assert target is not None
            x = np.arange(8, dtype=np.float32).reshape(2, 4)
            job = await client.submit_inference_job(target, device, {"x": [x]})
            assert (await client.wait(job, 120)).success

            outputs = await client.download_output_data(job)
            assert outputs is not None
            np.testing.assert_allclose(outputs["y"][0], 2 * x + 1)
            h5 = await client.download_output_data(job, str(tmp_path / "outputs"))
            assert h5 == str(tmp_path / "outputs.h5")
            dataset = await client.get_output_dataset(job)
            assert dataset is not None
            again = await client.get_dataset(dataset.dataset_id)
            np.testing.assert_allclose((await client.download_dataset(again))["y"][0], 2 * x + 1)

            profile = await client.get_profile(job)
            assert profile is not None
            path = await client.download_profile(job, str(tmp_path / "profile"))
            assert path is not None
            shown = await client.download_profile(job)
            assert json.loads(read(path)) == json.loads(json.dumps(shown))
            result = await client.download_results(job, str(tmp_path / "results"))
            assert isinstance(result, hub.InferenceJobResult)
            assert result.status.success
            assert (tmp_path / "results" / f"{job.job_id}_outputs.h5").exists()

            content = await client.download_target_model(compiled)
            saved = await client.download_target_model(compiled, str(tmp_path / "a"))
            model = await client.download_model(
                await client.get_model(target.model_id), str(tmp_path / "b")
            )
            assert saved is not None
            assert content == read(saved) == read(model)
            onnx.checker.check_model(saved)
            assert len(await client.download_job_logs(compiled, str(tmp_path / "logs"))) == 1
            assert (await client.cancel_job(job.job_id)).success

    asyncio.run(use())


@WIRES
def test_quantize_and_link(lh: LocalHub, device: hub.Device, wire: Any) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            samples = [np.full((1, 4), value, np.float32) for value in (0, 1)]
            dataset = await client.upload_dataset({"x": samples}, "calibration")
            model = await client.upload_model(affine(), "affine")
            quantized = await client.submit_quantize_job(model, dataset.dataset_id)
            dlc = await client.submit_compile_job(model, device, options="--target_runtime qnn_dlc")
            linked = await client.submit_link_job(await client.get_target_model(dlc), device)
            statuses = await hub.aio.wait_all([quantized, dlc, linked], 200)
            assert [status.code for status in statuses] == ["SUCCESS"] * 3
            assert await client.download_target_model(quantized)

    asyncio.run(use())


def test_several_devices_give_several_jobs(lh: LocalHub) -> None:
    devices = [hub.Device("Samsung Galaxy S24"), hub.Device("Samsung Galaxy S23")]

    async def use() -> None:
        async with client_of(lh) as client:
            jobs = await client.submit_compile_job(
                affine(), devices, options=ONNX, single_compile=False
            )
            assert isinstance(jobs, list)
            assert [job.device.name for job in jobs] == [device.name for device in devices]

    asyncio.run(use())


def test_twenty_submits_at_once(device: hub.Device) -> None:
    """Of jobs that run nothing: what is tried is the client."""

    async def use() -> None:
        async with client_of(lh) as client:
            submits = [
                client.submit_compile_job(affine(), device, f"at once {number}", SPECS, ONNX)
                for number in range(20)
            ]
            jobs = await asyncio.gather(*submits)
            assert len({job.job_id for job in jobs}) == 20
            assert len({job.model.model_id for job in jobs}) == 20
            ended = [job async for job in hub.aio.as_completed(jobs, 200)]
            assert {job.job_id for job in ended} == {job.job_id for job in jobs}
            names = {one.name for one in await client.get_job_summaries(limit=100)}
            assert {job.name for job in jobs} <= names

    with LocalHub(users=[ME], run_attempt=FakeWorker()) as lh:
        asyncio.run(use())


@WIRES
def test_lists_are_those_of_the_blocking_client(
    lh: LocalHub, client: hub.Client, compiled: hub.CompileJob, wire: Any
) -> None:
    kind = hub.JobType.COMPILE

    async def use() -> None:
        async with client_of(lh, wire) as ours:
            jobs = [job.job_id async for job in ours.iter_jobs(type=kind, page_size=2)]
            assert jobs == [job.job_id for job in client.iter_jobs(type=kind)]
            assert compiled.job_id in jobs
            short = [one.job_id async for one in ours.iter_job_summaries(page_size=3)]
            assert short == [one.job_id for one in client.iter_job_summaries()]
            some = await ours.get_job_summaries(offset=1, limit=2)
            assert [one.job_id for one in some] == short[1:3]
            models = [model.model_id async for model in ours.iter_models(page_size=2)]
            assert models == [model.model_id for model in client.iter_models()]
            assert [model.model_id for model in await ours.get_models(limit=3)] == models[:3]
            datasets = [one.dataset_id async for one in ours.iter_datasets()]
            assert datasets == [one.dataset_id for one in client.iter_datasets()]
            assert [one.dataset_id for one in await ours.get_datasets()] == datasets[:50]
            assert await ours.get_devices() == client.get_devices()
            assert await ours.get_device_attributes() == client.get_device_attributes()
            assert await ours.get_frameworks() == client.get_frameworks()
            job = await ours.get_job(compiled.job_id, hub.JobType.COMPILE)
            assert job.shapes == compiled.shapes

    asyncio.run(use())


def test_a_failed_job_has_no_results(lh: LocalHub, device: hub.Device, tmp_path: Path) -> None:
    async def use() -> None:
        async with client_of(lh) as client:
            job = await client.submit_compile_job(
                affine(), device, options="--target_runtime no_such_runtime"
            )
            assert (await client.wait(job, 100)).failure
            assert await client.download_target_model(job) is None
            target = await client.get_target_model(job)
            if target is not None:
                with pytest.raises(hub.UserError, match="its job failed"):
                    await client.download_model(target, str(tmp_path / "none"))

    asyncio.run(use())


@WIRES
def test_compile_and_link(lh: LocalHub, device: hub.Device, wire: Any) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            model = await client.upload_model(affine(batch="n"), "affine")
            compiled, link, embedded = await client.submit_compile_and_link_jobs(
                [model, model],
                device,
                "both",
                [{"x": (1, 4)}, {"x": (2, 4)}],
                ["one", "two"],
                embed_in_onnx=True,
            )
            assert [job.shapes["x"] for job in compiled] == [
                ((1, 4), "float32"),
                ((2, 4), "float32"),
            ]
            targets = [await client.get_target_model(job) for job in compiled]
            assert link is not None
            assert [each.model_id for each in link.models] == [
                target.model_id for target in targets if target
            ]
            binary = await client.get_target_model(link)
            assert binary is not None
            assert embedded is not None
            assert embedded.model.model_id == binary.model_id
            assert {job.name for job in (*compiled, link, embedded)} == {"both"}

            (alone,), linked = await client.submit_compile_and_link_jobs(model, device)
            assert linked is not None
            assert (await client.wait(alone, 240)).finished

    asyncio.run(use())


@pytest.mark.filterwarnings("ignore:submit_compile_and_profile_jobs:DeprecationWarning")
@pytest.mark.parametrize(("wire", "single_compile"), [("json", True), ("protobuf", False)])
def test_compile_and_profile(
    lh: LocalHub, device: hub.Device, wire: Any, single_compile: bool
) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            pairs = await client.submit_compile_and_profile_jobs(
                affine(),
                [device, hub.Device("Samsung Galaxy S23")],
                compile_options=ONNX,
                profile_options="--max_profiler_iterations 3",
                single_compile=single_compile,
            )
            assert isinstance(pairs, list)
            profiled = [job for _, job in pairs if job]
            assert [job.device.name for job in profiled] == [
                "Samsung Galaxy S24",
                "Samsung Galaxy S23",
            ]
            assert len({job.job_id for job, _ in pairs}) == (1 if single_compile else 2)
            statuses = await hub.aio.wait_all(profiled, 240)
            assert [status.code for status in statuses] == ["SUCCESS"] * 2

    asyncio.run(use())


def test_deprecated_submits_warn_at_the_line_of_the_caller(lh: LocalHub) -> None:
    async def use() -> None:
        async with client_of(lh) as client:
            with (
                pytest.warns(DeprecationWarning, match="submit_inference_job") as caught,
                pytest.raises(hub.UserError, match="at least one device"),
            ):
                await client.submit_compile_and_profile_jobs(affine(), [])
            assert caught[0].filename == __file__

    asyncio.run(use())


@WIRES
def test_jobs_models_and_datasets_are_shared_renamed_and_deleted(
    lh: LocalHub, device: hub.Device, wire: Any
) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            model = await client.upload_model(affine(), "affine")
            dataset = await client.upload_dataset({"x": [np.zeros((1, 4), np.float32)]})
            job = await client.submit_compile_job(model, device, options=ONNX)
            await client.set_job_name(job, "renamed")
            assert (job.name, (await client.get_job(job.job_id)).name) == ("renamed", "renamed")
            with pytest.raises(hub.UserError, match="name"):
                await client.set_job_name(job, "")

            for resource in (model, dataset, job):
                await client.modify_sharing(resource, add_emails=[EMAIL])
                assert await client.get_sharing(resource) == [EMAIL]
            await client.modify_sharing(model, delete_emails=[EMAIL])
            await client.disable_sharing(dataset)
            assert [await client.get_sharing(one) for one in (model, dataset)] == [[], []]
            with pytest.raises(hub.UserError, match="list of e-mail addresses"):
                await client.modify_sharing(model, add_emails=EMAIL)  # type: ignore[arg-type]

            assert (await client.wait(job, 240)).success
            await client.delete_model(model)
            await client.delete_dataset(dataset)
            for missing in (
                client.get_model(model.model_id),
                client.get_dataset(dataset.dataset_id),
            ):
                with pytest.raises(hub.UserError) as caught:
                    await missing
                assert caught.value.status_code == 404

    asyncio.run(use())


@WIRES
def test_a_queued_job_is_cancelled(lh: LocalHub, device: hub.Device, wire: Any) -> None:
    async def use() -> None:
        async with client_of(lh, wire) as client:
            job = await client.submit_compile_job(affine(), device, options=ONNX)
            status = await client.cancel_job(job.job_id)
            assert status.finished
            assert (await client.wait(job, 60)) == status

    asyncio.run(use())
