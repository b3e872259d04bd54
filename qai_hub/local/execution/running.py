"""Runs a target model: over a dataset, to measure it, or both."""

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from qai_hub.local.execution.dataset_files import InputDataset, OutputDataset
from qai_hub.local.execution.messages import WORK_FOLDER, AttemptRequest, Report, notice
from qai_hub.local.execution.opening import open_runnable
from qai_hub.local.execution.option_table import (
    COMPUTE_UNIT,
    DEFAULT_SECONDS,
    ITERATIONS,
    PROFILER_TIME,
    options_of,
)
from qai_hub.local.execution.option_values import unused_units
from qai_hub.local.execution.profiling import profile_model
from qai_hub.local.execution.runners import RunnableModel
from qai_hub.local.execution.sessions import RANDOM_INPUTS, random_inputs

logger = logging.getLogger(__name__)

_OUTPUT_DATA = "output_data.h5"
_TRACE = "profile_trace.json"


def run_model(request: AttemptRequest, folder: Path) -> Report:
    """Carry out an inference or profile job.

    Args:
        request: The request.
        folder: The attempt's folder, which takes the output data.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = options_of(request.options, "profile" if request.profile else "inference")
    work = folder / WORK_FOLDER
    model = open_runnable(request, options, work)
    measure = partial(
        profile_model,
        iterations=options.values.get(ITERATIONS, model.default_iterations),
        seconds=options.values.get(PROFILER_TIME, DEFAULT_SECONDS),
    )
    notices = [*options.notices, *model.notices]
    units = options.values.get(COMPUTE_UNIT, ("all",))
    unused = unused_units(units, model.compute_units)
    if unused:
        message = f"The model ran on {','.join(model.compute_units)}, not on {','.join(unused)}."
        notices.append(notice("INFO", "DEVICE", message))
    result: dict[str, Any] = {"tool_versions": model.tools}
    files = {}
    if request.dataset is None:
        inputs = random_inputs([port.fixed() for port in model.inputs])
        measured = measure(model, inputs, RANDOM_INPUTS, work=work)
    else:
        measured = None
        with closing(InputDataset(request.dataset, model.inputs)) as dataset:
            if request.profile:
                what = "sample 0 of the dataset"
                measured = measure(model, dataset.sample(0), what, work=work)
            _run_dataset(model, dataset, folder / _OUTPUT_DATA)
        files["output_data"] = _OUTPUT_DATA
    if measured is not None:
        result["profile"] = measured.profile
        notices += measured.notices
        if measured.trace is not None:
            files["profile_trace"] = measured.trace.replace(folder / _TRACE).name
    return Report(result={**result, "notices": notices}, files=files)


def _run_dataset(model: RunnableModel, dataset: InputDataset, target: Path) -> None:
    runner = model.load()
    logger.info("Running %d samples", dataset.samples)
    with closing(OutputDataset(target, runner.output_names, dataset.samples)) as outputs:
        for index in range(dataset.samples):
            what = f"sample {index} of the dataset"
            outputs.write(index, runner.run(dataset.sample(index), what))
    logger.info("Ran %d samples", dataset.samples)
