"""One process of a hub whose jobs do nothing for a while.

    python process.py SETTINGS

The settings are JSON: the fields of `HubConfig` that are given, `role` (`web` or `worker`) and
`seconds` per job. It prints its address, or its name, as soon as it can be used; then, for each
line of its standard input, what it has sent so far to database and object storage. It ends with its
standard input.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import botocore
from performance.hub_process import TOKEN, Idle
from sqlalchemy import Engine, event

from qai_hub.local import LocalHub
from qai_hub.local.config import HubConfig
from qai_hub.local.worker import HubWorker

USER = "user@localhost"


def count_what_is_sent() -> Counter[str]:
    """Returns a counter of what this process sends from now on."""
    sent = Counter(statements=0, requests=0)

    def count(name: str) -> None:
        sent[name] += 1

    event.listen(Engine, "before_cursor_execute", lambda *_: count("statements"))
    botocore.register_initializer(
        lambda session: session.register("before-send.s3", lambda **_: count("requests"))
    )
    return sent


def main(settings: str) -> None:
    """Serves, or runs jobs, until the standard input ends."""
    given: dict[str, Any] = json.loads(settings)
    role, seconds = given.pop("role"), given.pop("seconds")
    given["data_dir"] = Path(given["data_dir"])
    sent = count_what_is_sent()
    # Where others carry out attempts, these do nothing themselves.
    work = None if "executor" in given else Idle(seconds)
    member: LocalHub | HubWorker
    if role == "web":
        config = HubConfig(**given, users=((USER, TOKEN),), max_parallel_jobs=0)
        member = hub = LocalHub.from_config(config).start()
        print(hub.url, flush=True)
    else:
        member = worker = HubWorker(HubConfig(**given), run_attempt=work).start()
        print(worker.name, flush=True)
    for _ in sys.stdin:
        print(json.dumps(sent), flush=True)
    member.stop()


if __name__ == "__main__":
    main(sys.argv[1])
