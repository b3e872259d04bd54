"""One process of a hub whose jobs do nothing for a while.

    python process.py SETTINGS

The settings are JSON: the fields of `HubConfig` that are given, `role` (`web` or `worker`) and
`seconds` per job. It prints its address, or its name, as soon as it can be used, and ends with its
standard input.
"""

import json
import sys
from pathlib import Path
from typing import Any

from performance.hub_process import TOKEN, Idle

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.worker import HubWorker

USER = "user@localhost"


def main(settings: str) -> None:
    """Serves, or runs jobs, until the standard input ends."""
    given: dict[str, Any] = json.loads(settings)
    role, seconds = given.pop("role"), given.pop("seconds")
    given["data_dir"] = Path(given["data_dir"])
    work = Idle(seconds)
    if role == "web":
        config = HubConfig(**given, users=((USER, TOKEN),), max_parallel_jobs=0)
        hub = LocalHub.from_config(config, run_attempt=work).start()
        print(hub.url, flush=True)
        sys.stdin.read()
        hub.stop()
    else:
        worker = HubWorker(HubConfig(**given), run_attempt=work).start()
        print(worker.name, flush=True)
        sys.stdin.read()
        worker.stop()


if __name__ == "__main__":
    main(sys.argv[1])
