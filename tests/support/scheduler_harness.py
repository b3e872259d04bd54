"""A scheduler under test, with its store, files and worker."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.fake_worker import FakeWorker
from support.polling import wait_until
from support.store_builders import add_dataset, add_job, add_model

from qai_hub.local.clock import now
from qai_hub.local.config import HubConfig
from qai_hub.local.core import kinds as states
from qai_hub.local.core.digests import FileDigests
from qai_hub.local.core.executor import Executor
from qai_hub.local.core.heartbeat import Heartbeat
from qai_hub.local.core.lifecycle import Lifecycle
from qai_hub.local.core.local_executor import LocalExecutor
from qai_hub.local.core.scheduler import Scheduler
from qai_hub.local.devices import DeviceCatalogue
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders
from qai_hub.local.store import Store
from qai_hub.local.store.events import Topic, publish
from qai_hub.local.store.files import add_file, get_file
from qai_hub.local.store.records import File, Job, Model, User
from qai_hub.local.store.relations import get_artifacts
from qai_hub.local.store.rows import DATASETS, JOBS, MODELS


class SchedulerHarness:
    """What a scheduler works with, and short ways to use it."""

    def __init__(
        self, store: Store, folder: Path, owner: User, *, work: Path | None = None
    ) -> None:
        self.store = store
        self.storage = FolderStore(folder, durable=False)
        if work is not None:
            work.mkdir(parents=True)
        self.work = WorkFolders(work or folder, durable=False)
        self.owner = owner
        self.worker = FakeWorker()
        self.run_attempt: Any = self.worker
        self.job_timeout = 7.0
        self.ended: list[str] = []
        store.subscribe(Topic.ENDED, self._end)

    @contextmanager
    def running(
        self, max_parallel: int = 2, *, cache: bool = False, heartbeat: Heartbeat | None = None
    ) -> Iterator[Scheduler]:
        scheduler = Scheduler(
            self.store,
            self.storage,
            FileDigests(self.store, self.storage),
            self.work,
            now,
            self.executor(),
            DeviceCatalogue.load().get_soc,
            HubConfig(
                max_parallel_jobs=max_parallel,
                job_timeout=self.job_timeout,
                memory_limit=1 << 30,
                cache=cache,
            ),
            heartbeat,
        )
        scheduler.start()
        try:
            yield scheduler
        finally:
            scheduler.stop()

    def executor(self) -> Executor:
        return LocalExecutor(self.storage, self.work, self.run_attempt)

    def cancel(self, key: str) -> list[str]:
        """Cancel a job as its owner does; returns which jobs have ended."""
        with self.store.write() as db:
            job = JOBS.get(db, key)
            assert job is not None
            return Lifecycle(self.storage, self.work, now).cancel(db, job, self.owner.email)

    def _end(self, job_ids: Sequence[str] | None) -> None:
        self.ended += job_ids or ()

    def announce(self) -> None:
        """Tell all processes that there may be jobs to run."""
        with self.store.write() as db:
            publish(db, Topic.QUEUED)

    def model(self, content: bytes = b"body") -> str:
        with self.store.write() as db:
            key = add_model(db, self.owner)
            add_file(db, File(f"f{key}", len(content), None))
            MODELS.update(db, key, file_id=f"f{key}")
        self.storage.file_path(f"f{key}").write_bytes(content)
        return key

    def dataset(self, content: bytes = b"data") -> str:
        with self.store.write() as db:
            key = add_dataset(db, self.owner)
            add_file(db, File(f"f{key}", len(content), None))
            DATASETS.update(db, key, file_id=f"f{key}")
        self.storage.file_path(f"f{key}").write_bytes(content)
        return key

    def target(self) -> str:
        with self.store.write() as db:
            return add_model(db, self.owner)

    def submit(self, kind: str = "compile", options: str = "", **roles: Any) -> str:
        with self.store.write() as db:
            key = add_job(db, self.owner, kind, **roles)
            JOBS.update(db, key, options=options)
        return key

    def compile(self, source: str | None = None, options: str = "") -> tuple[str, str]:
        target = self.target()
        key = self.submit(options=options, input=[source or self.model()], target=[target])
        return key, target

    def job(self, key: str) -> Job:
        with self.store.read() as db:
            job = JOBS.get(db, key)
        assert job is not None
        return job

    def get_model(self, key: str) -> Model:
        with self.store.read() as db:
            model = MODELS.get(db, key)
        assert model is not None
        return model

    def read_log(self, key: str) -> str:
        with self.store.read() as db:
            (artifact,) = get_artifacts(db, [key])[key]
            file = get_file(db, artifact.file_id)
        assert artifact.type == states.HUB_LOG
        assert file is not None
        text = self.storage.file_path(file.id).read_text()
        assert file.size == len(text.encode())
        return text

    def wait_until(self, condition: Callable[[], bool]) -> None:
        wait_until(condition)

    def wait_for_state(self, key: str, state: str) -> Job:
        self.wait_until(lambda: self.job(key).state == state)
        return self.job(key)

    def wait_until_finished(self, key: str) -> Job:
        self.wait_until(lambda: self.job(key).state in states.FINISHED_STATES)
        return self.job(key)
