"""Makes .tflite models by jobs of a local hub, and measures them."""

import math
import resource
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from sweep.jobs import compute_psnr, run_on_cpu, shorten_reason
from sweep.models import Arrays

import qai_hub as hub
from qai_hub.client import Client, CompileJob, QuantizeJob
from qai_hub.local.engine.tflite.contents import TfliteFile

DEVICE = hub.Device("Samsung Galaxy S24")
# The first samples are calibration data, the others are run.
CALIBRATION_SAMPLES = 24
_LONGEST = 1800
_INT8, _INT16 = hub.QuantizeDtype.INT8, hub.QuantizeDtype.INT16
_TYPES = {"w8a8": (_INT8, _INT8), "w8a16": (_INT8, _INT16)}
_OPTIONS = {
    "float": "",
    "float16": "--quantize_full_type float16",
    "w8a8": "--quantize_io",
    "w8a16": "--quantize_io",
}
PRECISIONS = tuple(_OPTIONS)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a model in one precision.

    Attributes:
        psnr: PSNR in decibels of the output that is farthest from ONNX Runtime on the source model,
            over all samples that were run; None if a job failed.
        reason: Why a job failed.
        size: Size of the .tflite file, in bytes.
        seconds: CPU seconds that the conversion took, calibration not included.
        tensors: Numbers of the inputs and of the tensors that operators compute, by type.
        floats: Numbers of the operators that compute floats, by name.
    """

    psnr: float | None = None
    reason: str = ""
    size: int = 0
    seconds: float = 0.0
    tensors: Mapping[str, int] = field(default_factory=dict)
    floats: Mapping[str, int] = field(default_factory=dict)

    @property
    def computed(self) -> int:
        """Number of its tensors."""
        return sum(self.tensors.values())

    @property
    def integers(self) -> int:
        """How many of these are integers; so are truth values."""
        return sum(n for name, n in self.tensors.items() if not name.startswith("FLOAT"))

    @property
    def is_all_integer(self) -> bool:
        """Whether the model computes with integers alone."""
        return self.integers == self.computed

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Outcome":
        """Creates it from what `to_json` returned."""
        return cls(**value)


def run_precisions(
    client: Client,
    model: bytes,
    data: Arrays,
    precisions: Sequence[str],
    keep: Callable[[str, Outcome], None],
) -> None:
    """Converts and runs a model in several precisions, one after another.

    Args:
        client: Client of a local hub of this process that does nothing else.
        model: The model, as the content of an .onnx file.
        data: Samples for each input.
        precisions: Some of `PRECISIONS`.
        keep: Receives each outcome as soon as it is known.
    """
    run = {name: values[CALIBRATION_SAMPLES:] for name, values in data.items()}
    expected = _run_reference(model, run)
    source = client.upload_model(onnx.load_from_string(model), "model")
    calibration = {name: values[:CALIBRATION_SAMPLES] for name, values in data.items()}
    for precision in precisions:
        quantizing = None
        if precision in _TYPES:
            quantizing = client.submit_quantize_job(source, calibration, *_TYPES[precision])
            quantizing.wait(_LONGEST)
        keep(precision, _convert(client, source, quantizing, precision, run, expected))


def _run_reference(model: bytes, run: Arrays) -> list[dict[str, np.ndarray]]:
    count = len(next(iter(run.values())))
    return [run_on_cpu(model, {name: run[name][number] for name in run}) for number in range(count)]


def _convert(
    client: Client,
    source: hub.Model,
    quantizing: QuantizeJob | None,
    precision: str,
    run: Arrays,
    expected: Sequence[Mapping[str, np.ndarray]],
) -> Outcome:
    if quantizing is not None:
        status = quantizing.get_status()
        if not status.success:
            return Outcome(reason=f"quantize: {shorten_reason(status.message)}")
        target = quantizing.get_target_model()
        assert target is not None
        source = target
    options = f"--target_runtime tflite {_OPTIONS[precision]}"
    narrow = {name for name, values in run.items() if values[0].dtype == np.int64}
    if narrow:
        options += " --truncate_64bit_io"
    before = _children_seconds()
    job = client.submit_compile_job(
        source,
        DEVICE,
        input_specs={name: (each[0].shape, each[0].dtype.name) for name, each in run.items()},
        options=options,
    )
    status = job.wait(_LONGEST)
    seconds = round(_children_seconds() - before, 1)
    if not status.success:
        return Outcome(reason=f"compile: {shorten_reason(status.message)}", seconds=seconds)
    return _measure(client, job, run, narrow, expected, seconds)


def _children_seconds() -> float:
    """Return the CPU seconds of ended processes, which the engine's is one of."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _measure(
    client: Client,
    job: CompileJob,
    run: Arrays,
    narrow: set[str],
    expected: Sequence[Mapping[str, np.ndarray]],
    seconds: float,
) -> Outcome:
    inputs = {
        name: [each.astype(np.int32) if name in narrow else each for each in values]
        for name, values in run.items()
    }
    target = job.get_target_model()
    assert target is not None
    running = client.submit_inference_job(target, DEVICE, inputs, profile=False)
    status = running.wait(_LONGEST)
    if not status.success:
        return Outcome(reason=f"run: {shorten_reason(status.message)}", seconds=seconds)
    given = running.download_output_data()
    assert given is not None
    ratios = {
        name: compute_psnr(np.stack([each[name] for each in expected]), np.stack(values))
        for name, values in given.items()
    }
    psnr = min(ratios.values())
    if psnr == -math.inf:
        name = min(ratios, key=lambda name: ratios[name])
        return Outcome(reason=f"run: the output {name!r} differs altogether", seconds=seconds)
    with tempfile.TemporaryDirectory() as folder:
        path = job.download_target_model(str(Path(folder, "target")))
        assert path is not None
        return Outcome(
            psnr=round(psnr, 1),
            size=Path(path).stat().st_size,
            seconds=seconds,
            tensors=count_types(Path(path)),
            floats=dict(TfliteFile.read(Path(path)).count_float_operators()),
        )


def count_types(path: Path) -> dict[str, int]:
    """Returns the numbers of the inputs of a file and of what its operators compute, by type.

    Args:
        path: The .tflite file.
    """
    file = TfliteFile.read(path)
    return dict(Counter([*file.list_input_types(), *file.list_computed_types()]).most_common())
