"""A hub in a process of its own, with a stand-in for the worker. Prints its address.

    python -m support.fake_worker_hub FOLDER [free] [unsynced-database] [unsynced-files]

Its jobs never end, unless they are free; a power cut may take what is not synced.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.fake_worker import FakeWorker

from qai_hub.local import LocalHub
from qai_hub.local.core import parts

TOKEN, PART_SIZE = "tok", 4096


def without_sync(make: Callable[..., Any]) -> Callable[..., Any]:
    def made(folder: Path, **_: bool) -> Any:
        return make(folder, durable=False)

    return made


def start_hub(folder: str, *how: str) -> LocalHub:
    worker = FakeWorker()
    if "free" not in how:
        worker.may_finish.clear()
    for word, name in (("unsynced-database", "SqliteStore"), ("unsynced-files", "FolderStore")):
        if word in how:
            setattr(parts, name, without_sync(getattr(parts, name)))
    return LocalHub(
        folder,
        users={"ada@example.com": TOKEN},
        max_parallel_jobs=1,
        cache=False,
        part_size=PART_SIZE,
        run_attempt=worker,
    ).start()


if __name__ == "__main__":
    running = start_hub(*sys.argv[1:])
    sys.stdout.write(f"{running.url}\n")
    sys.stdout.flush()
    threading.Event().wait()
