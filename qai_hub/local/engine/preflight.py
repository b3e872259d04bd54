"""Examines whether a model would compile for a device, and what of it would run where.

The model is compiled as a compile job would do it, so that both give the same answer.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from qai_hub.local.engine.compile import compile_model
from qai_hub.local.engine.failures import JobFailure
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.onnx.model_files import is_archive, open_model, unpack_archive
from qai_hub.local.engine.onnx.signature import Port, get_inputs, get_outputs
from qai_hub.local.engine.option_table import parse_job_options
from qai_hub.local.engine.protocol import (
    QNN_RUNTIMES,
    WORK_FOLDER,
    AttemptRequest,
    Report,
    Soc,
)
from qai_hub.local.engine.qnn.diagnose import name_nodes
from qai_hub.local.engine.qnn.probes import Tensors
from qai_hub.local.engine.qnn.provider import QnnSettings, check_soc, htp_options
from qai_hub.local.engine.qnn.support import NodesRefused, Problem, Support, find_support
from qai_hub.local.engine.qnn.target_check import select_checked
from qai_hub.local.engine.qnn.versions import find_other_stage
from qai_hub.local.enums import ModelType
from qai_hub.option_string import TARGET_RUNTIME

logger = logging.getLogger(__name__)

_QDQ_OPS = {"QuantizeLinear", "DequantizeLinear"}
HTP, CPU, NOWHERE = "HTP", "CPU", ""


def check_model(request: AttemptRequest, folder: Path) -> Report:
    """Examine whether a model would compile.

    Args:
        request: The request, as for a compile job.
        folder: The attempt's folder.

    Returns:
        A report whose result has the reason of a refusal, the notices of the job, facts about the
        model, and where each of its nodes would run. The report also names the next stage, if an
        engine makes the target model; or that alone, if the check is for a worker with another
        QAIRT.

    Raises:
        JobFailure: The options are not those of a compile job.
    """
    options = parse_job_options(request.options, "compile")
    runtime = options.values.get(TARGET_RUNTIME, "onnx")
    other = find_other_stage(request, options) if runtime in QNN_RUNTIMES else None
    if other is not None:
        return Report(next_stage=other)
    result: dict[str, Any] = {
        "runtime": runtime,
        "refusal": "",
        "failure_type": "",
        "notices": [],
        "nodes": [],
        "input_spec": [],
        "output_spec": [],
        "model": _describe_model(request, folder / WORK_FOLDER / "described"),
    }
    support = compiled = None
    try:
        compiled = compile_model(request, folder)
    except JobFailure as failure:
        result |= {"refusal": failure.reason, "failure_type": failure.failure_type}
        support = failure.support if isinstance(failure, NodesRefused) else None
        target = folder / WORK_FOLDER / "target" / "model.onnx"
    else:
        result |= select_checked(compiled.result)
        target = _find_target(compiled, folder)
    if target.is_file() and request.soc is not None and request.soc.has_htp:
        result["nodes"] = _place(target, request.soc, support, is_refused=bool(result["refusal"]))
    result.setdefault("tool_versions", tool_versions())
    if compiled is None or compiled.next_stage is None:
        return Report(result=result)
    rest = compiled.next_stage
    return Report(result=result, next_stage=replace(rest, kind=f"check_{rest.kind}"))


def _describe_model(request: AttemptRequest, work: Path) -> dict[str, Any]:
    """Return facts about the model as it was given; few for formats other than ONNX."""
    model = request.model
    facts: dict[str, Any] = {
        "format": model.model_type.removeprefix("MODEL_TYPE_"),
        "size": model.path.stat().st_size,
    }
    if model.model_type != ModelType.ONNX:
        return facts
    work.mkdir(parents=True)
    try:
        proto = open_model(model.path, model.model_type, work).proto
        ports = get_inputs(proto), get_outputs(proto)
    except JobFailure:
        # The compile job refuses it with the same reason.
        return facts
    inputs, outputs = (list(map(_describe_port, each)) for each in ports)
    return {
        **facts,
        "opsets": {opset.domain: opset.version for opset in proto.opset_import},
        "ir_version": proto.ir_version,
        "node_count": len(proto.graph.node),
        "inputs": inputs,
        "outputs": outputs,
    }


def _describe_port(port: Port) -> dict[str, Any]:
    shape = None if port.shape is None else list(port.shape)
    return {"name": port.name, "dtype": port.dtype, "shape": shape}


def _find_target(compiled: Report, folder: Path) -> Path:
    """Return the prepared model of a compile job that succeeded."""
    target = folder / WORK_FOLDER / "target" / "model.onnx"
    if compiled.next_stage is not None:
        # The next stage converts it as it is, while nodes get names to find out where they run.
        return Path(shutil.copyfile(target, target.with_name("placed.onnx")))
    if target.is_file():
        return target
    published = folder / compiled.files["target_model"]
    place = folder / WORK_FOLDER / "placed"
    if is_archive(published):
        unpack_archive(published, place)
        return place / "model.onnx" / "model.onnx"
    place.mkdir()
    return published.rename(place / "model.onnx")


def _place(
    target: Path, soc: Soc, support: Support | None, *, is_refused: bool
) -> list[dict[str, str]]:
    """Return where each node runs; Q and DQ belong to other nodes and are left out."""
    model = onnx.load(target, load_external_data=False)
    if name_nodes(model):
        target.write_bytes(model.SerializeToString())
    if support is None:
        try:
            check_soc(soc, "a check")
        except JobFailure:
            # Without QNN, nothing is known of the HTP.
            return []
        options = htp_options(soc) | QnnSettings().provider_options(soc)
        support = find_support(target, options)
    problems = {problem.name: problem for problem in support.problems}
    # What QNN fails to compile is refused without being left to the CPU.
    other = NOWHERE if support.placement is None and is_refused else CPU
    return list(_list_nodes(model, problems, other))


def _list_nodes(
    model: onnx.ModelProto, problems: Mapping[str, Problem], other_unit: str
) -> Iterator[dict[str, str]]:
    tensors = Tensors(model)
    for node in model.graph.node:
        if node.op_type in _QDQ_OPS:
            continue
        problem = problems.get(node.name)
        yield {
            "name": node.name,
            "op": node.op_type,
            "types": f"{_types(node.input, tensors)} -> {_types(node.output, tensors)}",
            "unit": HTP if problem is None else other_unit,
            "reason": "" if problem is None else problem.explanation,
        }


def _types(names: Sequence[str], tensors: Tensors) -> str:
    found = dict.fromkeys(tensors.get_type(name) for name in names if name)
    known = [onnx.helper.tensor_dtype_to_np_dtype(each).name for each in found if each]
    return ", ".join(known) or "?"
