"""The steps that compiling and quantizing have in common, from a model that came in to one file."""

from collections.abc import Iterator
from pathlib import Path

import onnx

from qai_hub.local.execution.archive import pack
from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.model_files import ModelFile
from qai_hub.local.execution.sessions import Level, Session

# The operator by which ONNX Runtime runs what was compiled for one chip.
CONTEXT = "EPContext"

# One protobuf message cannot exceed 2 GiB, and folding constants makes models grow.
EXTERNAL_FROM = 3 * 2**29


def check(model: ModelFile) -> None:
    """Check that a model follows the ONNX standard, and is not compiled already.

    Args:
        model: The model.

    Raises:
        JobFailure: It does not, or is.
    """
    if any(node.op_type == CONTEXT for node in model.proto.graph.node):
        reason = "The model is compiled already: take the one that it was made from, or run it."
        raise JobFailure(FailureType.MODEL_INVALID, reason)
    try:
        onnx.checker.check_model(model.path)
    except UnicodeDecodeError as error:
        reason = f"The model is damaged: it holds text that is not UTF-8 ({error.reason})."
        raise JobFailure(FailureType.MODEL_CORRUPT, reason) from None
    except onnx.checker.ValidationError as error:
        text = " ".join(str(error).split())[:1500]
        reason = f"The model is not valid ONNX: {text}"
        raise JobFailure(FailureType.MODEL_INVALID, reason) from None


def optimise(source: Path, target: Path) -> None:
    """Fold and simplify a graph without regard to any hardware.

    Args:
        source: The .onnx file.
        target: File to write in a folder of its own, which takes the weights as well.

    Raises:
        JobFailure: ONNX Runtime does not load the model.
    """
    settings = {"session.optimized_model_external_initializers_file_name": "model.data"}
    # The levels above would insert nodes for this machine's CPU.
    Session(source, level=Level.ORT_ENABLE_BASIC, settings=settings, optimised=target)


def is_large(target: Path, external_from: int) -> bool:
    """Tell whether the files of a model are too large for its weights to go into the graph's."""
    return sum(path.stat().st_size for path in target.parent.iterdir()) >= external_from


def tidy(target: Path, *, apart: bool) -> None:
    """Drop the operator sets that ONNX Runtime lists without need, and state all shapes.

    Args:
        target: The .onnx file.
        apart: Whether weights that are in a file of their own stay there.
    """
    model = onnx.load(target, load_external_data=not apart)
    used = {node.domain for node in nodes_of(model)} | {""}
    kept = [opset for opset in model.opset_import if opset.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    target.write_bytes(model.SerializeToString())
    onnx.shape_inference.infer_shapes_path(target, target)


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield every node of a model: of its graph, the graphs within, and its functions."""
    yield from _nodes(model.graph)
    for function in model.functions:
        yield from _nodes(function)


def publish(target: Path, folder: Path, *, apart: bool, name: str = "target_model") -> str:
    """Move a model to where an attempt leaves its files.

    Args:
        target: The .onnx file.
        folder: The attempt's folder.
        apart: Whether weights are in files beside it, so that it goes into a zipped directory.
        name: Name of the file, without suffixes.

    Returns:
        Name of the file within the folder.
    """
    if not apart:
        target.replace(folder / f"{name}.onnx")
        return f"{name}.onnx"
    files = {f"model.onnx/{path.name}": path for path in sorted(target.parent.iterdir())}
    pack(files, folder / f"{name}.onnx.zip")
    return f"{name}.onnx.zip"


def _nodes(graph: onnx.GraphProto | onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _nodes(attribute.g)
            for inner in attribute.graphs:
                yield from _nodes(inner)
