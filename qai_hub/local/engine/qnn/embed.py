"""Wraps a context binary in an ONNX model, as compile jobs with such an input do."""

from pathlib import Path

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.option_table import options_of
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    ports_json,
    shortened,
)
from qai_hub.local.engine.qnn.binaries import open_graph
from qai_hub.local.engine.qnn.provenance import Provenance, required
from qai_hub.local.engine.qnn.settings import qnn_settings
from qai_hub.local.engine.qnn.targets import PRECOMPILED, TARGET, Made, publish_precompiled
from qai_hub.local.enums import ModelType
from qai_hub.option_string import QNN_OPTIONS, TARGET_RUNTIME


def embed_binary(request: AttemptRequest, folder: Path) -> Report:
    """Make the target model of a compile job whose input is a context binary.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the target model.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = options_of(request.options, "compile")
    runtime = options.values.get(TARGET_RUNTIME, PRECOMPILED)
    if runtime != PRECOMPILED:
        reason = (
            f"A context binary is compiled already: it can be put into an ONNX model, by "
            f"--target_runtime {PRECOMPILED}, and not be made {runtime}."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    if request.input_specs:
        reason = "A context binary is compiled already: input_specs cannot change its inputs."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    settings = qnn_settings(options.values.get(QNN_OPTIONS, {}))
    made_of = required(request.model.provenance, "context binary")
    for soc in request.other_socs:
        made_of.check_runs_on(soc)
    if len(made_of.graphs) > 1 and not settings.graphs:
        names = ", ".join(shortened(graph.name) for graph in made_of.graphs)
        reason = (
            f"An ONNX model holds one graph here, and the context binary has {names}: link the one "
            "alone that is wanted, by --qnn_options context_enable_graphs=NAME."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    context = folder / WORK_FOLDER / "context"
    opened = open_graph(request.model, request.soc, settings.graphs, context)
    provenance = Provenance(
        runtime=PRECOMPILED, soc=opened.soc, sdk=opened.sdk, graphs=(opened.graph,)
    )
    target = publish_precompiled(opened.wrapper, opened.binary, provenance, folder)
    made = Made.of(ModelType.ONNX, {TARGET: target}, provenance, settings, opened.notices)
    ports = ports_json(opened.graph.inputs, opened.graph.outputs)
    return Report(
        result={**made.result, **ports, "notices": options.notices + made.notices},
        files=made.files,
    )
