"""The worker: a process that carries out one attempt and writes its report to a file.

It is started as `python -m qai_hub.local.engine.worker FOLDER MEMORY_LIMIT`; the memory limit is in
bytes, 0 for none.
"""

import logging
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from qai_hub.local.engine.failures import (
    EXIT_STATUSES,
    FailureType,
    JobFailure,
    hide_folders,
    resource_failure_from_error,
)
from qai_hub.local.engine.isolated import (
    end_isolated_calls,
    end_process,
    prepare_isolated_calls,
)
from qai_hub.local.engine.protocol import (
    REQUEST_FILE,
    WORK_FOLDER,
    AttemptRequest,
    Report,
)
from qai_hub.local.engine.sandbox import enter_sandbox, name_process
from qai_hub.local.engine.steps import current_step, record_steps

OOM_SCORE_FILE = Path("/proc/self/oom_score_adj")
# Where the work of a kind is: the module in this package, and the function.
_ENTRY_POINTS = {
    "check": ("preflight", "check_model"),
    "check_tflite": ("tflite.job", "check_conversion"),
    "compile": ("compile", "compile_model"),
    "inspect": ("inspection.job", "inspect_file"),
    "link": ("qnn.link", "link_models"),
    "quantize": ("quantize.job", "quantize_model"),
    "run": ("run", "run_model"),
    "tflite": ("tflite.job", "convert_to_tflite"),
}
KINDS = tuple(_ENTRY_POINTS)
"""The kinds of requests."""

# The kinds that compare models, in processes of their own.
_COMPARING = frozenset({"check", "check_tflite", "compile", "link", "quantize", "tflite"})
logger = logging.getLogger(__name__)


def main(folder: Path, memory_limit: int) -> int:
    """Carry out the attempt whose request is in a folder.

    Args:
        folder: The attempt's folder.
        memory_limit: Address space that this process may use, in bytes; 0 for no limit.

    Returns:
        Exit status: 0 if a report was written, otherwise one of `EXIT_STATUSES`.
    """
    _prefer_oom_kill()
    name_process("qai-hub worker")
    request = AttemptRequest.from_json((folder / REQUEST_FILE).read_bytes())
    _keep_bytecode(request.kind)
    layers = enter_sandbox(folder, request.files)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = memory_limit if most == resource.RLIM_INFINITY else min(memory_limit, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    record_steps(folder / WORK_FOLDER)
    logger.info("Sandbox: %s", ", ".join(layers) or "none on this system")
    try:
        try:
            if request.kind in _COMPARING:
                work_function(request.kind)
                prepare_isolated_calls()
            threading.Thread(target=_exit_with_hub, daemon=True).start()
            report = handle_request(request, folder)
        except JobFailure as failure:
            report = Report.from_failure(failure)
            folders = [folder, *(path.parent for path in request.files), sys.prefix, *sys.path]
            report = replace(report, reason=hide_folders(report.reason, map(str, folders)))
        report.write(folder)
        end_isolated_calls()
    except Exception as error:
        cause = resource_failure_from_error(error)
        if cause is None:
            logger.exception("Not foreseen")
            _report_unforeseen(folder)
            return 0
        logger.error("%s: %s", type(error).__name__, error)  # noqa: TRY400 - no memory to spare
        return EXIT_STATUSES[cause]
    return 0


def handle_request(request: AttemptRequest, folder: Path) -> Report:
    """Carry out a request.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the published files.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    return work_function(request.kind)(request, folder)


def work_function(kind: str) -> Callable[[AttemptRequest, Path], Report]:
    """Import the function that does the work of a kind of request; an attempt imports no other."""
    module, function = _entry_point(kind)
    work: Callable[[AttemptRequest, Path], Report] = getattr(import_module(module), function)
    return work


def _entry_point(kind: str) -> tuple[str, str]:
    """Return the module and the name of the function that does the work of a kind of request."""
    module, function = _ENTRY_POINTS[kind]
    return f"qai_hub.local.engine.{module}", function


def _keep_bytecode(kind: str) -> None:
    """Let Python keep the bytecode of what this worker imports, if nobody has yet.

    The sandbox prevents it, the hub imports none of it, and uv compiles nothing when it installs:
    each worker would compile NumPy, ONNX and ONNX Runtime again, longer than many a job takes.
    """
    module, _ = _entry_point(kind)
    spec = find_spec(module)
    cached = Path(spec.cached) if spec and spec.cached else None
    if cached is None or cached.exists() or not os.access(cached.parent.parent, os.W_OK):
        return
    # Libraries start threads when they are imported, and the sandbox holds for one thread only.
    child = os.fork()
    if child == 0:
        try:
            import_module(module)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _report_unforeseen(folder: Path) -> None:
    """Report an exception that is a fault of the hub: its text is for the log only."""
    reason = (
        f"The hub failed while {current_step()}, for a reason that it does not know. The hub's log "
        "of the job has more."
    )
    Report(failure_type=FailureType.INTERNAL, reason=reason).write(folder)


def _prefer_oom_kill() -> None:
    """Make the kernel kill this process, not the hub or another one, if memory runs out."""
    # If this file does not exist or is not writable, the kernel chooses as usual.
    with suppress(OSError):
        OOM_SCORE_FILE.write_text("1000")


def _exit_with_hub() -> None:
    """Wait until the hub's end of standard input closes, then kill the whole process group."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    end_process(main(Path(sys.argv[1]), int(sys.argv[2])))
