"""A local hub in a process of its own, for benchmarks.

    python hub_process.py SETTINGS

The settings are JSON: the arguments of `LocalHub`, and perhaps `seconds`, for which each job then
does nothing. It prints its address as soon as it can be used, and ends with its standard input.
"""

import json
import sys
import threading
from pathlib import Path

from qai_hub.local import LocalHub
from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome, AttemptRequest

TOKEN = "of-a-benchmark"  # noqa: S105 - of a hub that lives for seconds


class Idle:
    """Carries out attempts by doing nothing for a while.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(
        self,
        request: AttemptRequest,
        folder: Path,
        *,
        time_limit: float,
        memory_limit: int | None,
        cancelled: threading.Event,
    ) -> AttemptOutcome:
        """Wait, and return a target model that has the name of the attempt's folder."""
        if cancelled.wait(self._seconds):
            raise AttemptCancelled
        log, target = folder / "hub.log", folder / "target_model.onnx"
        log.write_text("nothing was done", encoding="utf-8")
        target.write_text(folder.name, encoding="utf-8")
        spec = [{"name": "x", "shape": [1, 3], "dtype": "float32"}]
        return AttemptOutcome(
            succeeded=True,
            failure_type="JOB_FAILURE_TYPE_SUCCESS",
            reason="",
            result={
                "target_model_type": "MODEL_TYPE_ONNX",
                "input_spec": spec,
                "output_spec": spec,
                "tool_versions": [],
                "notices": [],
            },
            files={"target_model": target},
            log=log,
        )


def main(settings: str) -> None:
    """Serves until the standard input ends."""
    given = json.loads(settings)
    seconds = given.pop("seconds", None)
    worker = None if seconds is None else Idle(seconds)
    with LocalHub(**given, users={"user@localhost": TOKEN}, run_attempt=worker) as hub:
        hub.warm_up()
        print(hub.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
