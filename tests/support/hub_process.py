"""A hub in a process of its own, whose jobs never end: to be killed. Prints its address."""

import sys
import threading

from support.fake_worker import FakeWorker

from qai_hub.local import LocalHub

if __name__ == "__main__":
    worker = FakeWorker()
    worker.go.clear()
    hub = LocalHub(
        sys.argv[1], users={"ada@example.com": "tok"}, max_parallel_jobs=1, run_attempt=worker
    )
    sys.stdout.write(f"{hub.start().url}\n")
    sys.stdout.flush()
    threading.Event().wait()
