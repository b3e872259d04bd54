"""Runs a target model: over a dataset, to measure it, or both."""

import logging
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from qai_hub.local.execution.dataset_files import InputDataset, OutputDataset
from qai_hub.local.execution.host import tool_versions
from qai_hub.local.execution.messages import WORK_FOLDER, AttemptRequest, Report, notice
from qai_hub.local.execution.model_files import open_model
from qai_hub.local.execution.option_table import (
    COMPUTE_UNIT,
    DEFAULT_ITERATIONS,
    DEFAULT_SECONDS,
    ITERATIONS,
    PROFILER_TIME,
    options_of,
)
from qai_hub.local.execution.option_values import check_cpu
from qai_hub.local.execution.profiling import profile_model
from qai_hub.local.execution.sessions import RANDOM_INPUTS, Session, random_inputs
from qai_hub.local.execution.signature import Port, inputs_of, outputs_of

logger = logging.getLogger(__name__)

_OUTPUT_DATA = "output_data.h5"


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
    units = options.values.get(COMPUTE_UNIT, ("all",))
    check_cpu(units)
    measure = partial(
        profile_model,
        iterations=options.values.get(ITERATIONS, DEFAULT_ITERATIONS),
        seconds=options.values.get(PROFILER_TIME, DEFAULT_SECONDS),
    )
    others = set(units) - {"all", "cpu"}
    notices = list(options.notices)
    if others:
        message = f"This hub has no {' and no '.join(sorted(others))}: run on its host CPU."
        notices.append(notice("INFO", "DEVICE", message))
    work = folder / WORK_FOLDER
    path, ports = _open(request, work)
    result: dict[str, Any] = {"tool_versions": tool_versions()}
    files = {}
    if request.dataset is None:
        inputs = random_inputs([port.fixed() for port in ports])
        result["profile"], more = measure(path, inputs, RANDOM_INPUTS, work=work)
        notices += more
    else:
        with closing(InputDataset(request.dataset, ports)) as dataset:
            if request.profile:
                sample = dataset.sample(0)
                what = "sample 0 of the dataset"
                result["profile"], more = measure(path, sample, what, work=work)
                notices += more
            _run_dataset(path, dataset, folder / _OUTPUT_DATA)
        files["output_data"] = _OUTPUT_DATA
    return Report(result={**result, "notices": notices}, files=files)


def _open(request: AttemptRequest, work: Path) -> tuple[Path, list[Port]]:
    """Return the model's file and inputs, and keep nothing else of it in memory."""
    model = open_model(request.model, request.model_type, work)
    outputs_of(model.proto)
    return model.path, inputs_of(model.proto)


def _run_dataset(path: Path, dataset: InputDataset, target: Path) -> None:
    session = Session(path)
    logger.info("Running %d samples", dataset.samples)
    with closing(OutputDataset(target, session.output_names, dataset.samples)) as outputs:
        for index in range(dataset.samples):
            what = f"sample {index} of the dataset"
            outputs.write(index, session.run(dataset.sample(index), what))
    logger.info("Ran %d samples", dataset.samples)
