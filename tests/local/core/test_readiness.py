"""Checks whether a process can do its work, which may take long."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from qai_hub.local.core.pools import PoolWatch
from qai_hub.local.core.readiness import ReadinessCheck
from qai_hub.local.files.folder import FolderStore
from qai_hub.local.store import Store


class SlowFolder(FolderStore):
    """A folder as on a file system that hangs until a test lets it go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, durable=False)
        self.goes_on = threading.Event()
        self.running = 0
        self.max_running = 0
        self._count = threading.Lock()

    def check_writable(self) -> None:
        with self._count:
            self.running += 1
            self.max_running = max(self.running, self.max_running)
        assert self.goes_on.wait(30)
        with self._count:
            self.running -= 1


def test_probes_that_keep_coming_do_not_pile_up(store: Store, tmp_path: Path) -> None:
    folder = SlowFolder(tmp_path)
    check = ReadinessCheck(store, folder, PoolWatch(store, None))
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(check) for _ in range(3)]
        threading.Timer(0.2, folder.goes_on.set).start()
        assert all(answer.result().ready for answer in answers)
    assert folder.max_running == 1
