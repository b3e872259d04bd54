"""A stand-in for the execution of jobs, which runs nothing."""

import threading
from pathlib import Path
from typing import Any

from qai_hub.local.engine.attempt import AttemptCancelled, AttemptOutcome, AttemptRequest
from qai_hub.local.engine.failures import FailureType

SPEC = [{"name": "x", "shape": [1, 3], "dtype": "float32"}]
PROFILE = {"execution_time": 12, "execution_memory": {"peak": {"lower": 1, "upper": 2}}}


class FakeWorker:
    """Stands in for the execution of attempts, with results that the test chooses.

    Attributes:
        may_finish: Cleared to keep attempts running.
        failures: Reasons to fail with, by the job's options.
        lacks: The extra for want of which these fail.
        extra_results: Further fields of the results of jobs that succeed.
        extra_files: Content of further files of these, by what they are.
        running: Attempts that run now.
        max_running: The most that ran at once.
    """

    def __init__(self) -> None:
        self.requests: list[AttemptRequest] = []
        self.folders: list[Path] = []
        self.limits: list[tuple[float, int | None]] = []
        self.running = 0
        self.max_running = 0
        self.may_finish = threading.Event()
        self.may_finish.set()
        self.failures: dict[str, str] = {}
        self.lacks = ""
        self.extra_results: dict[str, Any] = {}
        self.extra_files: dict[str, bytes] = {}
        self.crash: BaseException | None = None
        self._lock = threading.Lock()

    def __call__(
        self,
        request: AttemptRequest,
        folder: Path,
        *,
        time_limit: float,
        memory_limit: int | None,
        cancelled: threading.Event,
    ) -> AttemptOutcome:
        with self._lock:
            self.requests.append(request)
            self.folders.append(folder)
            self.limits.append((time_limit, memory_limit))
            self.running += 1
            self.max_running = max(self.max_running, self.running)
        try:
            while not self.may_finish.wait(0.005):
                if cancelled.is_set():
                    raise AttemptCancelled
            if self.crash is not None:
                raise self.crash
            return self._outcome(request, folder)
        finally:
            with self._lock:
                self.running -= 1

    def _outcome(self, request: AttemptRequest, folder: Path) -> AttemptOutcome:
        log = folder / "hub.log"
        log.write_text("what happened")
        reason = self.failures.get(request.options, "")
        result: dict[str, Any] = {}
        files: dict[str, Path] = {}
        if not reason:
            name = "output_data" if request.kind == "run" else "target_model"
            files = {name: folder / f"{name}.onnx"}
            files[name].write_bytes(b"made from " + request.model.path.read_bytes())
            result = {
                "target_model_type": "MODEL_TYPE_ONNX",
                "input_spec": SPEC,
                "output_spec": SPEC,
                "tool_versions": [{"name": "tool", "version": "1"}],
                "notices": [{"context": "MODEL", "severity": "INFO", "message": "hm"}],
                **self.extra_results,
            }
            for name, content in [*self.extra_files.items()]:
                files[name] = folder / name
                files[name].write_bytes(content)
            if request.kind == "quantize":
                result["psnr"] = {"y": 51.5}
            if request.profile:
                result.setdefault("profile", PROFILE)
        return AttemptOutcome(
            succeeded=not reason,
            failure_type="JOB_FAILURE_TYPE_MODEL_INVALID" if reason else FailureType.SUCCESS,
            reason=reason,
            result=result,
            files=files,
            log=log,
            lacks=self.lacks if reason else "",
        )
