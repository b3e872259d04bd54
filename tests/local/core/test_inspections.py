"""Reading files for pages: each once, a few at a time, and with limits."""

import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.dataset_bytes import dataset_bytes
from support.tiny_models import affine

from qai_hub.local.core import inspections as module
from qai_hub.local.core.inspections import Inspection, Inspections, Question
from qai_hub.local.engine.packages import WorkerPackages
from qai_hub.local.engine.process import WorkerProcess
from qai_hub.local.engine.workers import WarmWorkers, make_workers
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.files.work import WorkFolders

ADA, BOB = 1, 2


class CountingWorkers(WarmWorkers):
    """Counts the workers that it starts, and those that run at once."""

    def __init__(self) -> None:
        self.workers = make_workers(warm=True)
        self.started = 0
        self.waits = threading.Event()
        self.waits.set()
        self.at_once = 0
        self.most = 0
        self.lock = threading.Lock()

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        with self.lock:
            self.started += 1
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.waits.wait(30)
        with self.lock:
            self.at_once -= 1
        return self.workers.start(folder, memory_limit, cancelled, packages)

    def close(self) -> None:
        self.workers.close()


@pytest.fixture(scope="module")
def workers() -> Iterator[CountingWorkers]:
    counting = CountingWorkers()
    yield counting
    counting.close()


@pytest.fixture
def storage(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, durable=False)


@pytest.fixture
def work(tmp_path: Path) -> WorkFolders:
    return WorkFolders(tmp_path, durable=False)


@pytest.fixture
def inspections(
    storage: FolderStore, work: WorkFolders, workers: CountingWorkers
) -> Iterator[Inspections]:
    workers.started = workers.most = 0
    workers.waits.set()
    made = Inspections(storage, work, workers, None)
    yield made
    made.stop()
    assert list(work.folder.iterdir()) == []


def put(storage: FolderStore, file_id: str, content: bytes) -> Question:
    storage.file_path(file_id).write_bytes(content)
    return Question(file_id=file_id)


def answer(inspections: Inspections, question: Question) -> Inspection:
    deadline = time.monotonic() + 60
    while (found := inspections.ask(question, ADA)).is_pending:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def test_a_file_is_read_once_however_many_ask(
    inspections: Inspections, storage: FolderStore, workers: CountingWorkers
) -> None:
    question = put(storage, "f1", dataset_bytes({"x": [np.arange(4.0)]}))
    workers.waits.clear()
    assert all(inspections.ask(question, ADA).is_pending for _ in range(20))
    workers.waits.set()
    found = answer(inspections, question)
    assert found.result is not None
    assert found.result["entries"][0]["values"]["max"] == 3
    assert answer(inspections, question) is found
    # Whatever was asked before has been read once another is.
    answer(inspections, put(storage, "f2", dataset_bytes({"x": [np.arange(4.0)]})))
    assert workers.started == 2


def test_no_more_than_two_files_are_read_at_once(
    inspections: Inspections, storage: FolderStore, workers: CountingWorkers
) -> None:
    content = dataset_bytes({"x": [np.arange(4.0)]})
    questions = [put(storage, f"f{number}", content) for number in range(5)]
    workers.waits.clear()
    for question in questions:
        inspections.ask(question, ADA)
    deadline = time.monotonic() + 30
    while workers.at_once < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers.waits.set()
    assert all(answer(inspections, question).result for question in questions)
    assert (workers.started, workers.most) == (5, 2)


def test_who_asks_for_too_many_files_is_told(
    inspections: Inspections, workers: CountingWorkers
) -> None:
    workers.waits.clear()
    for number in range(200):
        found = inspections.ask(Question(file_id=f"f{number}"), ADA)
    assert "Many files are being read for you." in found.problem
    # There is room for others, and none of them gets all of it either.
    assert inspections.ask(Question(file_id="f200"), BOB).is_pending
    for number in range(201, 400):
        found = inspections.ask(Question(file_id=f"f{number}"), number)
    assert "Many files are being read. " in found.problem
    workers.waits.set()


def test_people_take_turns(
    inspections: Inspections, storage: FolderStore, workers: CountingWorkers
) -> None:
    content = dataset_bytes({"x": [np.arange(4.0)]})
    of_ada = [put(storage, f"f{number}", content) for number in range(12)]
    of_bob = put(storage, "f12", content)
    workers.waits.clear()
    for question in of_ada:
        inspections.ask(question, ADA)
    assert inspections.ask(of_bob, BOB).is_pending
    workers.waits.set()
    answer(inspections, of_bob)
    # Two that were begun before his, and those that are read meanwhile.
    assert sum(inspections.ask(each, ADA).is_pending for each in of_ada) > 4


def test_a_file_that_is_gone_says_so(inspections: Inspections) -> None:
    assert answer(inspections, Question(file_id="f1")).problem == "The file no longer exists."


def test_a_hostile_model_takes_no_more_than_its_memory(
    storage: FolderStore, work: WorkFolders, workers: CountingWorkers
) -> None:
    proto = affine()
    proto.graph.initializer.add(name="w", data_type=1, raw_data=bytes(200 << 20))
    storage.file_path("f1").write_bytes(proto.SerializeToString())
    small = Inspections(storage, work, workers, 300 << 20)
    found = answer(small, Question(file_id="f1", model_type="MODEL_TYPE_ONNX"))
    small.stop()
    assert found.problem == "Reading it takes more than 300 MiB of memory."


def test_no_file_fills_a_page_with_its_reason(
    inspections: Inspections, storage: FolderStore
) -> None:
    name = "x" * 60_000 + ".onnx"
    with zipfile.ZipFile(storage.file_path("f1"), "w") as archive:
        archive.writestr(name, b"")
    # The name in the directory of the archive is another one than that before the file.
    content = storage.file_path("f1").read_bytes()
    storage.file_path("f1").write_bytes(content.replace(b"xx.onnx", b"xy.onnx", 1))
    found = answer(inspections, Question(file_id="f1", model_type="MODEL_TYPE_ONNX"))
    assert found.problem.startswith("The model is damaged: its archive cannot be read: ")
    assert found.problem.endswith("xxx…")
    assert len(found.problem) < 1000


def test_a_file_that_takes_too_long_says_so(
    inspections: Inspections, storage: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIME_LIMIT", 0.0)
    question = put(storage, "f1", dataset_bytes({"x": [np.arange(4.0)]}))
    assert answer(inspections, question).problem == "Reading it takes longer than 0 s."


def test_what_was_looked_at_last_is_kept(
    inspections: Inspections,
    storage: FolderStore,
    workers: CountingWorkers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = dataset_bytes({"x": [np.arange(4.0)]})
    one, other = put(storage, "f1", content), put(storage, "f2", content)
    answer(inspections, one)
    monkeypatch.setattr(module, "_MAX_KEPT", 700)
    answer(inspections, other)
    answer(inspections, other)
    assert workers.started == 2
    answer(inspections, one)
    assert workers.started == 3


def test_stopping_ends_what_is_being_read(
    storage: FolderStore, work: WorkFolders, workers: CountingWorkers
) -> None:
    stopped = Inspections(storage, work, workers, None)
    question = put(storage, "f1", dataset_bytes({"x": [np.arange(4.0)]}))
    workers.waits.clear()
    stopped.ask(question, ADA)
    threading.Timer(0.05, workers.waits.set).start()
    stopped.stop()
    assert list(work.folder.iterdir()) == []
    assert stopped.ask(Question(file_id="f2"), ADA).problem


def test_what_a_crash_leaves_behind_is_deleted(work: WorkFolders) -> None:
    left = work.folder / "temporary-0123456789abcdef"
    left.mkdir()
    (left / "hub.log").touch()
    quarantine = None
    assert work.clear(lambda _: False, quarantine) == 0  # type: ignore[arg-type]
    assert not left.exists()
