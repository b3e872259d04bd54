"""Target models from QNN models: links several, or wraps one context binary in an ONNX model."""

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.onnx.model_files import pack_archive
from qai_hub.local.engine.option_table import SKIP_TARGET_CHECK, parse_job_options
from qai_hub.local.engine.protocol import (
    WORK_FOLDER,
    AttemptRequest,
    Report,
    TensorSpec,
    build_notice,
    quote_name,
    specs_to_json,
)
from qai_hub.local.engine.qnn.contexts import (
    check_float_support,
    compile_context,
    get_graph_names,
    unpack_source,
)
from qai_hub.local.engine.qnn.provenance import Graph, Provenance, require_provenance
from qai_hub.local.engine.qnn.provider import (
    QnnSession,
    check_soc,
    context_settings,
    htp_options,
    parse_qnn_settings,
    sdk_version,
)
from qai_hub.local.engine.qnn.target_check import TargetCheck, check_linked_graph
from qai_hub.local.engine.qnn.targets import (
    PRECOMPILED_ONNX,
    SOURCE,
    TARGET,
    TargetModel,
    build_outside_notice,
    publish_precompiled,
)
from qai_hub.local.engine.qnn.versions import settle_qairt_version
from qai_hub.local.engine.qnn.wrappers import WRAPPER_SUFFIX, find_outside_ports, open_graph
from qai_hub.local.engine.steps import Step, begin_step
from qai_hub.local.enums import ModelType
from qai_hub.option_string import QNN_OPTIONS, TARGET_RUNTIME


def wrap_context_binary(request: AttemptRequest, folder: Path) -> Report:
    """Make the target model of a compile job whose input is a context binary.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the target model.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    options = parse_job_options(request.options, "compile")
    runtime = options.values.get(TARGET_RUNTIME, PRECOMPILED_ONNX)
    if runtime != PRECOMPILED_ONNX:
        reason = (
            f"A context binary is already compiled: it can be wrapped in an ONNX model by "
            f"--target_runtime {PRECOMPILED_ONNX}, but not converted to {runtime}."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    if request.input_specs:
        reason = "A context binary is already compiled: input_specs cannot change its inputs."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    settings = parse_qnn_settings(options.values.get(QNN_OPTIONS, {}))
    source = require_provenance(request.model.provenance, "context binary")
    for soc in request.other_socs:
        source.check_runs_on(soc)
    if len(source.graphs) > 1 and not settings.graphs:
        names = ", ".join(quote_name(graph.name) for graph in source.graphs)
        reason = (
            f"An ONNX model contains one graph on this hub, but the context binary has {names}: "
            "link only the one you need, by --qnn_options context_enable_graphs=NAME."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
    context = folder / WORK_FOLDER / "context"
    opened = open_graph(request.model, request.soc, settings.graphs, context)
    settle_qairt_version(options, request, uses_qnn=True)
    provenance = Provenance(
        runtime=PRECOMPILED_ONNX, soc=opened.soc, sdk=opened.sdk, graphs=(opened.graph,)
    )
    file_name = publish_precompiled(opened.wrapper, opened.binary, provenance, folder)
    target_model = TargetModel.build(
        ModelType.ONNX, {TARGET: file_name}, provenance, settings, opened.notices
    )
    ports = specs_to_json(opened.graph.inputs, opened.graph.outputs)
    check = TargetCheck(
        status="NOT_CHECKED",
        reason="the job that made the context binary has checked it, or was told not to.",
    )
    return Report(
        result={
            **target_model.result,
            **ports,
            "notices": options.notices + target_model.notices,
            "target_check": check.to_json(),
        },
        files=target_model.files,
    )


logger = logging.getLogger(__name__)

_BINARY = ModelType.QNN_CONTEXT_BINARY


@dataclass(frozen=True, slots=True)
class _LinkedGraph:
    """A graph to link: its description, and the ONNX model that it was made from."""

    graph: Graph
    source: Path


def link_models(request: AttemptRequest, folder: Path) -> Report:
    """Make the target model of a link job.

    Args:
        request: The request.
        folder: The attempt's folder, which receives the context binary, and a zip file with a
            separate context binary of each graph, by which linked graphs are simulated.

    Returns:
        The report of a job that succeeded.

    Raises:
        JobFailure: The job failed.
    """
    started = time.monotonic()
    options = parse_job_options(request.options, "link")
    settings = parse_qnn_settings(options.values.get(QNN_OPTIONS, {}))
    soc = check_soc(request.soc, "a link job")
    settle_qairt_version(options, request, uses_qnn=True)
    work = folder / WORK_FOLDER
    graphs = _select_graphs(_collect_graphs(request, work), settings.graphs)
    for each in graphs:
        check_float_support(each.source, soc)
    provider_options = htp_options(soc) | settings.provider_options(soc)
    separate = [
        compile_context(each.source, work / f"alone-{number}", provider_options)
        for number, each in enumerate(graphs)
    ]
    begin_step(Step.LINKING)
    logger.info("Linking %s", ", ".join(each.graph.name for each in graphs))
    binary, names = _link([each.source for each in graphs], work / "linked", provider_options)
    binary.replace(folder / "target_model.bin")
    members = {f"{number}.bin": context.binary for number, context in enumerate(separate)}
    outside_notices = []
    for number, (each, context) in enumerate(zip(graphs, separate, strict=True)):
        outside = find_outside_ports(context.wrapper, each.graph)
        if outside:
            members[f"{number}{WRAPPER_SUFFIX}"] = context.wrapper
            outside_notices.append(build_outside_notice(outside))
    pack_archive(members, folder / "source.zip")
    provenance = Provenance(
        runtime="qnn_context_binary",
        soc=soc,
        sdk=sdk_version(),
        graphs=tuple(
            replace(each.graph, parts=context.parts)
            for each, context in zip(graphs, separate, strict=True)
        ),
        linked=True,
    )
    sizes = sum(context.binary.stat().st_size for context in separate)
    notices = [
        build_notice(
            "INFO", "MODEL", _describe_binary(names, graphs, sizes, folder / "target_model.bin")
        ),
        *outside_notices,
    ]
    if not soc.weight_sharing:
        message = f"The graphs do not share their weights: {soc.name} does not support that."
        notices.append(build_notice("INFO", "DEVICE", message))
    if request.check_target and SKIP_TARGET_CHECK not in options.values:
        for number, (graph, each, context) in enumerate(
            zip(provenance.graphs, graphs, separate, strict=True)
        ):
            alone = replace(provenance, graphs=(graph,), linked=False)
            place = work / f"check-{number}"
            check = check_linked_graph(context, alone, each.source, request, place, started)
            notices.append(check.to_notice(f"graph {quote_name(graph.name)}"))
    files = {TARGET: "target_model.bin", SOURCE: "source.zip"}
    target_model = TargetModel.build(_BINARY, files, provenance, settings, notices)
    ports = {
        "input_spec": _specs_to_json({graph.name: graph.inputs for graph in provenance.graphs}),
        "output_spec": _specs_to_json({graph.name: graph.outputs for graph in provenance.graphs}),
    }
    return Report(
        result={**target_model.result, **ports, "notices": options.notices + target_model.notices},
        files=target_model.files,
    )


def _collect_graphs(request: AttemptRequest, work: Path) -> list[_LinkedGraph]:
    """Return the graphs of a job's models, with the ONNX models that they were made from."""
    graphs = []
    for number, model in enumerate(request.inputs):
        provenance = require_provenance(model.provenance, "DLC")
        provenance.check_read_by(sdk_version())
        source = unpack_source(model.source, work / f"source-{number}")
        graphs.append(_LinkedGraph(provenance.select_graph(), source))
    counts = Counter(each.graph.name for each in graphs)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        reason = (
            f"Several models have a graph named {quote_name(twice[0])}. Linked graphs need "
            "different names: compile with --qnn_options context_enable_graphs=NAME."
        )
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    return graphs


def _select_graphs(graphs: Sequence[_LinkedGraph], names: Sequence[str]) -> list[_LinkedGraph]:
    """Return the graphs that a job's options name, or all of them."""
    known = {each.graph.name: each for each in graphs}
    missing = [name for name in names if name not in known]
    if missing:
        there = ", ".join(map(quote_name, known))
        reason = f"The models have no graph {quote_name(missing[0])}. They have {there}."
        raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
    return [known[name] for name in names] or list(graphs)


def _link(
    sources: Sequence[Path], folder: Path, provider_options: Mapping[str, str]
) -> tuple[Path, list[str]]:
    """Compile models into one context binary; return it, and the names of its graphs."""
    folder.mkdir()
    sessions, wrappers = [], []
    for number, source in enumerate(sources):
        wrapper = folder / f"{number}.onnx"
        settings = context_settings(wrapper) | {"ep.share_ep_contexts": "1"}
        if number == len(sources) - 1:
            settings["ep.stop_share_ep_contexts"] = "1"
        # The sessions must stay open, as shared weights live only as long as they do.
        sessions.append(QnnSession(source, provider_options, settings=settings))
        wrappers.append(wrapper)
    binaries = list(folder.glob("*.bin"))
    if len(binaries) != 1:
        reason = f"QNN produced {len(binaries)} context binaries instead of one."
        raise JobFailure(FailureType.RUNTIME_UNKNOWN, reason)
    return binaries[0], [name for wrapper in wrappers for name in get_graph_names(wrapper)]


def _specs_to_json(specs: Mapping[str, Sequence[TensorSpec]]) -> list[dict[str, Any]]:
    """Return the inputs or outputs of all graphs; with several, each with its graph's name."""
    if len(specs) == 1:
        return [spec.to_json() for ports in specs.values() for spec in ports]
    return [
        spec.to_json() | {"graph_name": name} for name, ports in specs.items() for spec in ports
    ]


def _describe_binary(
    internal_names: Sequence[str], graphs: Sequence[_LinkedGraph], separate_size: int, binary: Path
) -> str:
    """Describe the graphs in the file, their names, and its size without weight sharing."""
    named = ", ".join(
        f"{quote_name(each.graph.name)} as {internal}"
        for each, internal in zip(graphs, internal_names, strict=True)
    )
    return (
        f"The context binary contains the graphs {named}. It has {binary.stat().st_size} bytes; "
        f"separate binaries have {separate_size}. This hub simulates each graph from its "
        "separate binary, as its QNN cannot load linked ones."
    )
