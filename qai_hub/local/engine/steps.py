"""The steps of a job, so that a failure that nobody foresaw can at least name where it happened."""

import logging
from enum import StrEnum
from pathlib import Path

from qai_hub.local.left_files import read_left_file

STEP_FILE = "step.txt"
_MAX_STEP = 200

logger = logging.getLogger(__name__)


class Step(StrEnum):
    """What a job is doing, as it reads after "while"."""

    STARTING = "starting"
    OPENING = "opening the model"
    CHECKING = "checking the model"
    SETTING_PORTS = "setting the inputs and outputs of the model"
    OPTIMISING = "optimising the model"
    VERIFYING = "comparing the optimised model with the original"
    COMPILING = "compiling the model for QNN"
    EXPLAINING = "finding out which operators QNN refuses"
    CHECKING_TARGET = "comparing the target model with the source model"
    CONVERTING = "converting the model to a DLC"
    CONVERTING_TFLITE = "converting the model to TensorFlow Lite"
    LINKING = "linking the models"
    CALIBRATING = "running the model on the calibration data"
    PREPARING = "preparing the model for quantization"
    QUANTIZING = "quantizing the model"
    COMPARING = "comparing the quantized model with the original"
    ANALYZING = "measuring the layers of the quantized model"
    RUNNING = "running the model"
    PROFILING = "profiling the model"
    PUBLISHING = "storing the results"


class _Recorder:
    step = Step.STARTING
    path: Path | None = None


def record_steps(folder: Path) -> None:
    """Record the steps of this process in a file, which outlasts a crash.

    Args:
        folder: Folder for the file.
    """
    _Recorder.path = folder.absolute() / STEP_FILE
    begin_step(Step.STARTING)


def begin_step(step: Step) -> None:
    """Note that a step begins.

    Args:
        step: The step.
    """
    _Recorder.step = step
    logger.info("Step: %s", step)
    if _Recorder.path is not None:
        _Recorder.path.write_text(step, encoding="utf-8")


def current_step() -> Step:
    """Return the step that this process is at."""
    return _Recorder.step


def read_step(folder: Path) -> Step:
    """Return the last step that an attempt began, after its process has ended.

    Args:
        folder: Folder of the file.
    """
    try:
        return Step(read_left_file(folder / STEP_FILE, _MAX_STEP).decode())
    except (OSError, ValueError):
        return Step.STARTING
