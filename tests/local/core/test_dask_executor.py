"""Attempts on a Dask cluster, whose processes are killed while they run."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import dask
import onnx
import pytest
import trustme
from distributed import Client, LocalCluster, Security
from support.dask_cluster import DaskCluster, running_cluster
from support.execution_models import endless_model, has_exited
from support.object_storage import ObjectStorage, unique_prefix
from support.polling import wait_until
from support.scheduler_harness import SchedulerHarness
from support.tiny_models import affine

from qai_hub import Device
from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.dask_executor import DaskExecutor
from qai_hub.local.core.dask_task import TaskAnswer, TaskCall, run_task
from qai_hub.local.core.executor import AttemptId, AttemptSpec
from qai_hub.local.engine.attempt import AttemptRequest, InputModel
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.executor_address import DaskAddress
from qai_hub.local.store import Store
from qai_hub.local.store.records import User
from qai_hub.local.worker import HubWorker

MISMATCH = "it has version .* of qai-hub-openapi, and the hub 0.0"


class DaskWorld(SchedulerHarness):
    """A scheduler of jobs whose attempts run on a cluster."""

    def __init__(self, store: Store, folder: Path, owner: User, cluster: DaskCluster) -> None:
        super().__init__(store, folder, owner)
        self.folder = folder
        self.cluster = cluster
        self.job_timeout = 120.0
        self.made = self.dask()

    def dask(self, *resources: str) -> DaskExecutor:
        address = DaskAddress(self.cluster.address, resources)
        return DaskExecutor(address, self.storage, self.work, warm=False)

    def executor(self) -> DaskExecutor:
        return self.made

    def onnx_model(self, model: onnx.ModelProto) -> str:
        return self.model(model.SerializeToString())

    def submit_endless(self) -> str:
        return self.submit("profile", input=[self.onnx_model(endless_model())])

    def task_states(self) -> list[str]:
        """The states of all tasks that the scheduler knows."""
        with Client(self.cluster.address, set_as_default=False) as client:
            found: list[str] = client.run_on_scheduler(
                lambda dask_scheduler: [task.state for task in dask_scheduler.tasks.values()]
            )
        return found

    def wait_for_process(self, attempt: AttemptId) -> int:
        """Wait until an attempt runs its model; return its process."""

        def running() -> str:
            text = self.work.read_log(*attempt)
            return text if "profiling the model" in text else ""

        wait_until(running)
        found = re.search(r"Process (\d+) started", running())
        assert found is not None
        return int(found[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with running_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture
def world(store: Store, tmp_path: Path, ada: User, cluster: DaskCluster) -> Iterator[DaskWorld]:
    world = DaskWorld(store, tmp_path, ada, cluster)
    with closing(world.made):
        yield world


def endless_attempt(world: DaskWorld) -> AttemptSpec:
    """An attempt at no job, which only ends if it is made to."""
    path = Path(f"f{world.onnx_model(endless_model())}")
    request = AttemptRequest(
        kind="run",
        inputs=(InputModel(path=path, model_type="MODEL_TYPE_ONNX"),),
        options="",
        profile=True,
    )
    return AttemptSpec(
        id=AttemptId("j1", 1), request=request, digests={}, time_limit=120, memory_limit=None
    )


def test_jobs_run_on_its_workers_and_leave_nothing_behind(world: DaskWorld) -> None:
    good, target = world.compile(world.onnx_model(affine()), "--target_runtime onnx")
    bad, _ = world.compile(world.model(b"no model"), "--target_runtime onnx")
    with world.running():
        assert world.wait_until_finished(good).state == states.DONE
        failed = world.wait_until_finished(bad)
        assert (failed.state, failed.failure_type) == (states.FAILED, FailureType.MODEL_CORRUPT)
    made = world.get_model(target)
    assert made.file_id is not None
    onnx.load_model_from_string(world.storage.file_path(made.file_id).read_bytes())
    for key in (good, bad):
        assert "Attempt started: compile" in world.read_log(key)
    assert list(world.work.folder.iterdir()) == []
    wait_until(lambda: world.task_states() == [])


def test_cancelling_a_job_ends_its_processes(world: DaskWorld) -> None:
    key = world.submit_endless()
    with world.running():
        process = world.wait_for_process(AttemptId(key, 1))
        assert world.cancel(key) == [key]
        wait_until(lambda: has_exited(process))
        wait_until(lambda: list(world.work.folder.glob(f"{key}-*")) == [])
    job = world.job(key)
    assert (job.attempt, job.failure_type) == (1, FailureType.CANCELLED)


def test_the_end_of_a_hub_ends_its_attempts(world: DaskWorld) -> None:
    spec = endless_attempt(world)
    world.made.start(spec)
    process = world.wait_for_process(spec.id)
    assert world.made.poll(spec.id) is None
    world.made.close()
    wait_until(lambda: has_exited(process))


def test_an_attempt_starts_once_even_if_dask_repeats_its_task(world: DaskWorld) -> None:
    """As it does for those of a worker that retires, whatever its setting."""
    spec = endless_attempt(world)
    request = spec.request.with_paths(lambda path: world.storage.file_path(str(path)))
    call = TaskCall(
        spec=replace(spec, request=request), folder=world.work.create(*spec.id), warm=False
    )
    with Client(world.cluster.address, set_as_default=False) as client:
        first = client.submit(run_task, call.to_json(), pure=False)
        process = world.wait_for_process(spec.id)
        again = client.submit(run_task, call.to_json(), pure=False)
        answer = TaskAnswer.from_json(again.result(timeout=30))
        assert "another worker has started it already" in answer.refusal
        assert not has_exited(process)
        first.cancel()
        wait_until(lambda: has_exited(process))


def test_a_job_waits_for_a_worker_with_the_resources_that_it_needs(
    world: DaskWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.dask_executor._LONG_WAIT", 0.1)
    with closing(world.dask("memory")) as world.made:
        key, _ = world.compile(world.onnx_model(affine()))
        with world.running():
            wait_until(lambda: "waits for a Dask worker" in caplog.text)
            assert world.task_states() == ["no-worker"]
            assert world.cancel(key) == [key]
    assert f"{{'memory': {1 << 30}}}" in caplog.text
    assert world.job(key).attempt == 1


def test_a_worker_that_dies_in_mid_job_is_a_loss_of_the_job_but_not_one_that_is_stopped(
    world: DaskWorld, caplog: pytest.LogCaptureFixture
) -> None:
    key = world.submit_endless()
    with world.running():
        for attempt, losses, end, how in (
            (1, 0, world.cluster.kill_workers, "attempt 1 .* died"),
            (2, 1, world.cluster.stop_workers, "attempt 2 .* was stopped"),
        ):
            process = world.wait_for_process(AttemptId(key, attempt))
            assert world.job(key).losses == losses
            end()
            wait_until(lambda: has_exited(process))  # noqa: B023
            wait_until(lambda: world.job(key).attempt == attempt + 1)  # noqa: B023
            assert re.search(how, caplog.text)
            world.cluster.start_worker()
        process = world.wait_for_process(AttemptId(key, 3))
        assert world.job(key).losses == 1
        world.cancel(key)
        wait_until(lambda: has_exited(process))
    assert world.job(key).attempt == 3


def test_a_scheduler_that_dies_in_mid_job_is_no_loss_of_the_job(
    world: DaskWorld, caplog: pytest.LogCaptureFixture
) -> None:
    key = world.submit_endless()
    with world.running():
        process = world.wait_for_process(AttemptId(key, 1))
        world.cluster.kill_scheduler()
        wait_until(lambda: has_exited(process))
        world.cluster.wait_for_workers_to_end()
        wait_until(lambda: world.job(key).attempt > 1)
        world.cluster.start_scheduler()
        world.cluster.start_worker()
        wait_until(lambda: "profiling the model" in read_latest_log(world, key))
        assert world.job(key).losses == 0
        world.cancel(key)
    assert "Dask tells no more of it" in caplog.text


def read_latest_log(world: DaskWorld, key: str) -> str:
    return world.work.read_log(key, world.job(key).attempt)


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_worker_of_a_team_hands_its_jobs_to_dask(
    place: str,
    cluster: DaskCluster,
    postgresql_url: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    shared = HubConfig(database=postgresql_url, data_dir=tmp_path, max_parallel_jobs=0)
    worker = replace(shared, max_parallel_jobs=2, executor=f"dask:{cluster.address}")
    if place == "bucket":
        # The cluster, which is older, has no credentials for it.
        storage: ObjectStorage = request.getfixturevalue("object_storage")
        files = storage.url(unique_prefix())
        shared = replace(shared, files=files, data_dir=tmp_path / "web")
        worker = replace(worker, files=files, data_dir=tmp_path / "worker")
    with LocalHub.from_config(shared) as hub, HubWorker(worker):
        client = hub.client()
        model = client.upload_model(affine())
        job = client.submit_compile_job(
            model, Device("Samsung Galaxy S24"), options="--target_runtime onnx"
        )
        target = job.get_target_model()
        assert target is not None
        assert target.download(str(tmp_path / "target.onnx"))


def test_jobs_wait_for_a_scheduler_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("qai_hub.local.core.dask_client._CONNECT_SECONDS", 0.1)
    config = HubConfig(data_dir=tmp_path, executor="dask:tcp://127.0.0.1:1")
    with LocalHub.from_config(config):
        assert "jobs wait: the Dask scheduler at tcp://127.0.0.1:1 cannot be reached" in caplog.text


def test_a_scheduler_that_repeats_tasks_is_refused(tmp_path: Path) -> None:
    with scheduler_alone(allowed_failures=3) as cluster:
        config = HubConfig(data_dir=tmp_path, executor=f"dask:{cluster.scheduler_address}")
        hub = LocalHub.from_config(config)
        with pytest.raises(ValueError, match=r"repeats tasks .* \(3 times\).*ALLOWED_FAILURES=0"):
            hub.start()


def test_a_scheduler_with_tls_gets_certificates_of_dasks_configuration(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost").private_key_and_cert_chain_pem
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.write_to_path(str(tmp_path / "cert.pem"))
    files = {"tls_ca_file": str(tmp_path / "ca.pem")} | {
        f"tls_{role}_cert": str(tmp_path / "cert.pem") for role in ("scheduler", "worker", "client")
    }
    security = Security(require_encryption=True, **files)
    with scheduler_alone(protocol="tls://", security=security) as cluster:
        address = cluster.scheduler_address
        config = HubConfig(data_dir=tmp_path / "data", executor=f"dask:{address}")
        with pytest.raises(ValueError, match="give its certificates"):
            LocalHub.from_config(config).start()
        settings = {
            "distributed.comm.tls.ca-file": files["tls_ca_file"],
            "distributed.comm.tls.client.cert": files["tls_client_cert"],
        }
        with dask.config.set(settings), LocalHub.from_config(config):
            clients = cluster.scheduler.clients.values()
            assert any("qai-hub" in each.client_key for each in clients)


def scheduler_alone(**settings: object) -> LocalCluster:
    """A scheduler in this process, with its own port and without workers."""
    options = {"allowed_failures": settings.pop("allowed_failures", 0)}
    return LocalCluster(
        n_workers=0,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs=options,
        **{"protocol": "tcp://", **settings},
    )


def test_a_worker_of_another_version_refuses_attempts() -> None:
    answer = TaskAnswer.from_json(run_task('{"version": "0.0"}'))
    assert re.search(MISMATCH, answer.refusal)


def test_a_worker_that_does_not_share_the_data_folder_refuses_attempts(
    world: DaskWorld,
) -> None:
    spec = endless_attempt(world)
    missing = world.folder / "elsewhere"
    call = TaskCall(spec=spec, folder=missing / "j1-1", warm=False)
    answer = TaskAnswer.from_json(run_task(call.to_json()))
    assert f"it cannot write to {missing}" in answer.refusal
    assert not missing.exists()
