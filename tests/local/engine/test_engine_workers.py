"""Attempts whose workers run with the packages of engines."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.execution_models import attempt, compile_request, linear_model, run_request, saved
from support.tiny_engines import THIS_PYTHON, TinyEngines, listed, tiny_engines

from qai_hub.local.engine.attempt import AttemptOutcome, AttemptRequest
from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.packages import HUB_PACKAGES, WorkerPackages
from qai_hub.local.engine.process import StartedProgram, WorkerProcess
from qai_hub.local.engine.protocol import REPORT_FILE, InputModel, Report, Soc
from qai_hub.local.engine.workers import ColdWorkers, Workers, make_workers
from qai_hub.local.engines.install import install, remove
from qai_hub.local.enums import ModelType

SOC = Soc(name="chip", soc_model=57, hexagon=75, fp16=True, weight_sharing=True)
PACKAGES = ("numpy", "h5py", "onnx", "onnxruntime")


def ignore(_: str) -> None:
    pass


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[TinyEngines]:
    with tiny_engines(tmp_path) as made:
        yield made


@pytest.fixture(scope="module", params=["warm", "cold"])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    with closing(make_workers(warm=request.param == "warm")) as own:
        yield own


def qnn_request(folder: Path, **changed: Any) -> AttemptRequest:
    """A job for which a worker looks for QNN's provider."""
    model = saved(linear_model(), folder)
    options = "--target_runtime qnn_context_binary"
    return replace(compile_request(model, options=options), soc=SOC, **changed)


def provider(version: str) -> dict[str, str]:
    """A provider that is not one, and tells its version."""
    code = (
        "from qai_hub.local.engine.failures import FailureType, JobFailure\n"
        f"TEXT = 'the provider of the overlay, {version}'\n"
        "def get_library_path():\n"
        "    raise JobFailure(FailureType.UNSUPPORTED, TEXT)\n"
    )
    return {"onnxruntime_qnn": code}


def apart() -> dict[str, str]:
    """Modules of which none can be imported, and which tell where they are."""
    code = (
        "import importlib.util, sys\n"
        "from qai_hub.local.engine.failures import FailureType, JobFailure\n"
        "foreign = [n for n in ('sqlalchemy', 'click') if importlib.util.find_spec(n)]\n"
        "raise JobFailure(FailureType.UNSUPPORTED, f'{sys.prefix} has {foreign}')\n"
    )
    return dict.fromkeys(PACKAGES, code)


def test_an_overlay_comes_before_the_packages_of_the_hub(
    engines: TinyEngines, workers: Workers, tmp_path: Path
) -> None:
    for version in ("1.0", "2.0"):
        engine = engines.make(provider(version), version=version)
        install(engine, ignore)
        with listed(engine):
            request = qnn_request(tmp_path, engine="tiny")

            outcome = attempt(request, tmp_path / version, workers=workers)

        assert outcome.reason == f"the provider of the overlay, {version}"
    # Others are as before.
    outcome = attempt(
        run_request(saved(linear_model(), tmp_path), profile=True), tmp_path / "b", workers=workers
    )
    assert outcome.succeeded, outcome.reason


def test_an_environment_has_none_of_the_packages_of_the_hub(
    engines: TinyEngines, workers: Workers, tmp_path: Path
) -> None:
    engine = engines.make(apart(), pythons=(THIS_PYTHON,))
    # Nothing in it can be imported but by a worker.
    made = install(replace(engine, modules=()), ignore)
    request = replace(run_request(saved(linear_model(), tmp_path), profile=True), engine="tiny")
    with listed(engine):
        outcome = attempt(request, tmp_path / "a", workers=workers)

    assert outcome.reason.endswith(f"{made.folder.name}/env has []")
    assert "Sandbox: no new privileges" in outcome.log.read_text() or sys.platform != "linux"


def test_a_missing_engine_fails_the_job(
    engines: TinyEngines, workers: Workers, tmp_path: Path
) -> None:
    engine = engines.make(provider("1.0"))
    with listed(engine):
        missing = attempt(qnn_request(tmp_path, engine="tiny"), tmp_path / "a", workers=workers)
        install(engine, ignore)
        remove(engine)
        removed = attempt(qnn_request(tmp_path, engine="tiny"), tmp_path / "b", workers=workers)

    assert missing.failure_type == FailureType.UNSUPPORTED
    assert missing.lacks == "engine-tiny"
    assert "run `qai-hub engine install tiny` where the hub runs" in missing.reason
    assert removed.reason == missing.reason


class Scripted:
    """Workers that run code of the tests in place of the first stages.

    Args:
        scripts: What each worker runs, in order, with the attempt's folder in `folder`.
    """

    def __init__(self, *scripts: str) -> None:
        self._scripts = list(scripts)
        self.packages: list[WorkerPackages] = []

    def start(
        self,
        folder: Path,
        memory_limit: int | None,
        cancelled: threading.Event,
        packages: WorkerPackages,
    ) -> WorkerProcess:
        self.packages.append(packages)
        if not self._scripts:
            return ColdWorkers().start(folder, memory_limit, cancelled, packages)
        code = f"from pathlib import Path\nfolder = Path({str(folder)!r})\n{self._scripts.pop(0)}"
        return StartedProgram([sys.executable, "-c", code], folder, dict(os.environ))

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


def reporting(folder: Path, report: Report) -> str:
    """Code that writes a report, as if the worker in a folder had."""
    draft = folder / "draft"
    draft.mkdir(exist_ok=True)
    report.write(draft)
    text = (draft / REPORT_FILE).read_text()
    shutil.rmtree(draft)
    return f"(folder / {REPORT_FILE!r}).write_text({text!r})\n"


def stage_of(model: Path, **changed: Any) -> AttemptRequest:
    inputs = (InputModel(path=model, model_type=ModelType.ONNX),)
    return AttemptRequest(**{"kind": "compile", "inputs": inputs, "options": "", **changed})


NOTICE = {"context": "USER", "severity": "INFO", "message": "the first stage"}
TOOL = {"name": "a tool", "version": "1"}


def two_stages(tmp_path: Path, next_stage: AttemptRequest, before: str = "") -> AttemptOutcome:
    result = {"notices": [NOTICE], "tool_versions": [TOOL], "target_check": {"status": "?"}}
    script = before + reporting(tmp_path, Report(result=result, next_stage=next_stage))
    (tmp_path / "a").mkdir(exist_ok=True)
    request = compile_request(saved(linear_model(), tmp_path))
    return attempt(request, tmp_path / "a", workers=Scripted(script))


def test_the_results_of_stages_are_one(tmp_path: Path) -> None:
    model = saved(linear_model(), tmp_path, "handed.onnx")
    copy = f"import shutil; shutil.copy({str(model)!r}, folder / 'handed.onnx')\n"

    outcome = two_stages(tmp_path, stage_of(tmp_path / "a" / "handed.onnx"), copy)

    assert outcome.succeeded, outcome.reason
    assert outcome.files["target_model"].is_file()
    notices = [each["message"] for each in outcome.result["notices"]]
    assert notices[0] == "the first stage"
    assert "compiled for onnx" in notices[1]
    tools = [each["name"] for each in outcome.result["tool_versions"]]
    assert tools[0] == "a tool"
    assert "ONNX Runtime" in tools
    assert outcome.result["target_check"] == {"status": "?"}
    assert len(outcome.result["input_spec"]) == 1
    # There is one log, with both processes.
    log = outcome.log.read_text()
    assert log.count(" started\n") == 2
    assert log.count("Attempt ended") == 1


def test_a_stage_may_have_the_files_of_the_one_before(tmp_path: Path) -> None:
    model = saved(linear_model(), tmp_path)

    assert two_stages(tmp_path, stage_of(model)).succeeded


def test_a_failed_stage_fails_the_attempt(tmp_path: Path) -> None:
    damaged = "(folder / 'handed.onnx').write_text('no model')\n"

    outcome = two_stages(tmp_path, stage_of(tmp_path / "a" / "handed.onnx"), damaged)

    assert outcome.failure_type == FailureType.MODEL_CORRUPT
    assert outcome.result == {}


def test_a_crash_of_a_stage_is_not_the_success_of_the_one_before(tmp_path: Path) -> None:
    report = Report(next_stage=stage_of(saved(linear_model(), tmp_path)))
    scripts = reporting(tmp_path, report), "import os; os._exit(3)"
    request = compile_request(saved(linear_model(), tmp_path))

    outcome = attempt(request, tmp_path / "a", workers=Scripted(*scripts))

    assert outcome.failure_type == FailureType.CRASH
    assert "exit status 3" in outcome.reason


def test_stages_share_the_time_of_the_attempt(tmp_path: Path) -> None:
    model = saved(linear_model(), tmp_path)
    slow = "import time; time.sleep(0.2)\n"
    slow += reporting(tmp_path, Report(next_stage=stage_of(model)))
    keep = "import shutil; shutil.copy(folder / 'request.json', folder / 'kept.json')\n"
    keep += reporting(tmp_path, Report())

    outcome = attempt(
        compile_request(model), tmp_path / "a", workers=Scripted(slow, keep), time_limit=50
    )

    assert outcome.succeeded
    later = AttemptRequest.from_json((tmp_path / "a" / "kept.json").read_bytes())
    assert later.time_limit is not None
    assert 0 < later.time_limit <= 49.8


def test_a_later_stage_that_takes_too_long_is_a_timeout(tmp_path: Path) -> None:
    model = saved(linear_model(), tmp_path)
    scripts = reporting(tmp_path, Report(next_stage=stage_of(model))), "import time; time.sleep(99)"

    outcome = attempt(
        compile_request(model), tmp_path / "a", workers=Scripted(*scripts), time_limit=2
    )

    assert outcome.failure_type == FailureType.TIMEOUT
    assert "the time limit of this hub is 2 s" in outcome.reason


def test_a_stage_runs_with_the_packages_of_its_engine(engines: TinyEngines, tmp_path: Path) -> None:
    engine = engines.make(provider("1.0"))
    install(engine, ignore)
    scripted = Scripted(
        reporting(tmp_path, Report(next_stage=replace(qnn_request(tmp_path), engine="tiny")))
    )
    with listed(engine):
        outcome = attempt(qnn_request(tmp_path), tmp_path / "a", workers=scripted)

    assert outcome.reason == "the provider of the overlay, 1.0"
    assert [each.engine for each in scripted.packages] == ["", "tiny"]
    assert scripted.packages[0] == HUB_PACKAGES


def outside(tmp_path: Path) -> str:
    del tmp_path
    return ""


def by_a_link(tmp_path: Path) -> str:
    return f"(folder / 'handed.onnx').symlink_to({str(tmp_path / 'secret.onnx')!r})\n"


@pytest.mark.parametrize("plant", [outside, by_a_link])
def test_a_worker_hands_on_nothing_that_it_may_not_read(
    tmp_path: Path, plant: Callable[[Path], str]
) -> None:
    secret = saved(linear_model(), tmp_path, "secret.onnx")
    planted = plant(tmp_path)
    named = tmp_path / "a" / "handed.onnx" if planted else secret

    with pytest.raises(ValueError, match=r"must not read .*secret\.onnx"):
        two_stages(tmp_path, stage_of(named), planted)


def test_a_worker_has_the_hub_write_nowhere_else(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("as it was")
    plant = (
        "(folder / 'request.json').unlink()\n"
        f"(folder / 'request.json').symlink_to({str(precious)!r})\n"
    )

    outcome = two_stages(tmp_path, stage_of(saved(linear_model(), tmp_path)), plant)

    assert outcome.succeeded
    assert precious.read_text() == "as it was"


def test_a_worker_names_no_engine_that_does_not_exist(tmp_path: Path) -> None:
    stage = stage_of(saved(linear_model(), tmp_path), engine="../elsewhere")

    with pytest.raises(ValueError, match="there is no engine"):
        two_stages(tmp_path, stage)


def test_a_crash_tells_no_text_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the token of somebody")
    script = (
        f"(folder / 'work' / 'step.txt').symlink_to({str(tmp_path / 'secret')!r})\n"
        "import os; os._exit(3)"
    )
    request = compile_request(saved(linear_model(), tmp_path))

    outcome = attempt(request, tmp_path / "a", workers=Scripted(script))

    assert "no result while starting." in outcome.reason
