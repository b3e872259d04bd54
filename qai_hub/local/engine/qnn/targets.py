"""Makes and publishes target models for QNN."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import onnx

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.machine import tool_versions
from qai_hub.local.engine.onnx.integer_ports import Encodings, read_encodings
from qai_hub.local.engine.onnx.model_files import pack_archive
from qai_hub.local.engine.onnx.prepare import publish_model
from qai_hub.local.engine.protocol import (
    Soc,
    TensorSpec,
    build_notice,
    quote_name,
)
from qai_hub.local.engine.qnn.contexts import check_float_support, compile_context, convert_to_dlc
from qai_hub.local.engine.qnn.diagnose import (
    adapt_model,
    compile_with_decomposition,
    find_unreliable_nodes,
    format_nodes,
)
from qai_hub.local.engine.qnn.provenance import Graph, GraphPart, Provenance, build_metadata
from qai_hub.local.engine.qnn.provider import (
    GRAPHS,
    QnnSettings,
    check_soc,
    htp_options,
    ir_options,
    parse_qnn_settings,
    provider_version,
    sdk_version,
)
from qai_hub.local.engine.qnn.wrappers import (
    WRAPPER_SUFFIX,
    OutsidePorts,
    find_outside_ports,
    label_wrapper,
)
from qai_hub.local.engine.quantize.qdq import is_quantized
from qai_hub.local.engine.quantize.raised_layers import has_half_floats
from qai_hub.local.enums import ModelType

TARGET = "target_model"
SOURCE = "source"


class TargetModel(NamedTuple):
    """A target model.

    Attributes:
        result: Its fields of the report.
        files: The published files within the attempt's folder, by role.
        notices: Notices for the user.
    """

    result: dict[str, Any]
    files: dict[str, str]
    notices: list[dict[str, str]]

    @classmethod
    def build(
        cls,
        model_type: str,
        files: dict[str, str],
        provenance: Provenance,
        settings: QnnSettings,
        notices: Sequence[dict[str, str]] = (),
    ) -> Self:
        """Return the description of a target model.

        Args:
            model_type: Its format.
            files: The published files within the attempt's folder, by role.
            provenance: How it was made.
            settings: The settings that it was made with.
            notices: Notices for the user, in addition to those about ignored settings.

        Returns:
            The target model.
        """
        result = {
            "target_model_type": model_type,
            "provenance": provenance.to_json(),
            "metadata": build_metadata(provenance, settings.optimization),
            "tool_versions": qnn_tool_versions(),
        }
        return cls(result, files, [*settings.notices, *notices])


def qnn_tool_versions() -> list[dict[str, str]]:
    """Return the tools that jobs for QNN are run with, as the JSON of `ToolVersion` messages."""
    qnn = {"QAIRT": sdk_version(), "ONNX Runtime QNN": provider_version()}
    return [{"name": name, "version": version} for name, version in qnn.items()] + tool_versions()


DLC = "qnn_dlc"
CONTEXT_BINARY = "qnn_context_binary"
PRECOMPILED_ONNX = "precompiled_qnn_onnx"
_DEFAULT_GRAPH_NAME = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class QnnTarget:
    """The target of a compile job for QNN.

    Attributes:
        runtime: `DLC`, `BINARY` or `PRECOMPILED`.
        soc: The chip to compile for.
        settings: Settings of QNN.
    """

    runtime: str
    soc: Soc
    settings: QnnSettings

    @classmethod
    def from_options(
        cls,
        runtime: str,
        soc: Soc | None,
        qnn_options: Mapping[str, str],
        other_socs: Sequence[Soc] = (),
    ) -> Self:
        """Check, before any work is done, that this hub supports a target, and return it.

        Args:
            runtime: `DLC`, `BINARY` or `PRECOMPILED`.
            soc: The chip of the job's device; None for a device that is not in the catalogue.
            qnn_options: Settings of QNN, by name.
            other_socs: Other chips that must run it as well.

        Raises:
            JobFailure: The target is not supported.
        """
        soc, settings = check_soc(soc, runtime), parse_qnn_settings(qnn_options)
        if len(settings.graphs) > 1:
            reason = f"A compile job makes one graph, but {GRAPHS} names {len(settings.graphs)}."
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
        if other_socs and runtime != DLC:
            chips = ", ".join(each.name for each in (soc, *other_socs))
            reason = (
                f"A context binary is for one chip, but the job's devices have several "
                f"({chips}): submit a job for each by single_compile=False, or compile with "
                f"--target_runtime {DLC}."
            )
            raise JobFailure(FailureType.INVALID_ARGUMENT, reason)
        return cls(runtime=runtime, soc=soc, settings=settings)

    def check_layers(self, source: Path) -> None:
        """Check that the chip has the 16-bit floats that layers of a quantized model are kept in.

        Args:
            source: The .onnx file of the model, before it was optimised: that widens these floats.

        Raises:
            JobFailure: It does not. A DLC is for other chips, too.
        """
        if self.soc.fp16 or self.runtime == DLC:
            return
        model = onnx.load(source, load_external_data=False)
        if not is_quantized(model) or not has_half_floats(model):
            return
        reason = (
            f"The HTP of {self.soc.name} supports integers only, and layers of the model are kept "
            "in 16-bit floats: quantize it without override_qtype=fp16."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)

    def build(
        self,
        source: Path,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        folder: Path,
    ) -> TargetModel:
        """Make the target model from an optimised ONNX model with fixed shapes.

        Args:
            source: The .onnx file, in a separate folder with its weights.
            inputs: Its inputs.
            outputs: Its outputs.
            folder: The attempt's folder, which receives the files.

        Returns:
            The target model.

        Raises:
            JobFailure: QNN cannot make it.
        """
        model = onnx.load(source, load_external_data=False)
        check_control_flow(model)
        encodings = read_encodings(model)
        if adapt_model(model, source.parent):
            source.write_bytes(model.SerializeToString())
        notices = []
        unreliable = find_unreliable_nodes(model)
        if unreliable:
            message = (
                f"QNN may compute {format_nodes(unreliable)} incorrectly: compare the outputs."
            )
            notices.append(build_notice("WARNING", "MODEL", message))
        if self.runtime == DLC:
            dlc = compile_with_decomposition(
                partial(convert_to_dlc, source), source, ir_options(source.parent.parent)
            )
            parts = (
                GraphPart(dlc.stem, tuple((node.name, node.op_type) for node in model.graph.node)),
            )
            provenance = self._build_provenance(inputs, outputs, parts, encodings)
            files = _publish_dlc(dlc, source, folder)
            return TargetModel.build(ModelType.QNN_DLC, files, provenance, self.settings, notices)
        check_float_support(source, self.soc)
        options = htp_options(self.soc) | self.settings.provider_options(self.soc)
        allow_cpu = self.runtime == PRECOMPILED_ONNX
        make = partial(compile_context, source, options=options, allow_cpu=allow_cpu, explain=False)
        context = compile_with_decomposition(make, source, options, allow_cpu=allow_cpu)
        provenance = self._build_provenance(inputs, outputs, context.parts, encodings)
        if self.runtime == CONTEXT_BINARY:
            name = "target_model.bin"
            context.binary.replace(folder / name)
            files = {TARGET: name}
            outside = find_outside_ports(context.wrapper, provenance.graphs[0])
            if outside:
                files[SOURCE] = f"{SOURCE}{WRAPPER_SUFFIX}"
                context.wrapper.replace(folder / files[SOURCE])
                notices.append(build_outside_notice(outside))
            return TargetModel.build(
                ModelType.QNN_CONTEXT_BINARY, files, provenance, self.settings, notices
            )
        if context.cpu_nodes:
            message = (
                f"The CPU runs {format_nodes(context.cpu_nodes)}, which the HTP does not support."
            )
            notices.append(build_notice("WARNING", "MODEL", message))
        files = {TARGET: publish_precompiled(context.wrapper, context.binary, provenance, folder)}
        return TargetModel.build(ModelType.ONNX, files, provenance, self.settings, notices)

    def _build_provenance(
        self,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        parts: tuple[GraphPart, ...],
        encodings: Encodings,
    ) -> Provenance:
        name = self.settings.graphs[0] if self.settings.graphs else _DEFAULT_GRAPH_NAME
        graph = Graph(
            name=name,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            parts=parts,
            encodings=encodings,
        )
        return Provenance(runtime=self.runtime, soc=self.soc, sdk=sdk_version(), graphs=(graph,))


def build_outside_notice(outside: OutsidePorts) -> dict[str, str]:
    """Return the notice that a context binary lacks inputs and outputs of its model.

    Args:
        outside: The inputs and outputs; at least one.
    """
    lacking = []
    if outside.outputs:
        names = ", ".join(map(quote_name, outside.outputs))
        lacking.append(f"outputs that are constant or inputs as they are ({names})")
    if outside.inputs:
        names = ", ".join(map(quote_name, outside.inputs))
        lacking.append(f"inputs that affect no computed output ({names})")
    message = (
        f"The context binary does not have the model's {' and '.join(lacking)}. This hub adds "
        "them when it runs the binary; an application must do so itself."
    )
    return build_notice("WARNING", "MODEL", message)


def publish_precompiled(wrapper: Path, binary: Path, provenance: Provenance, folder: Path) -> str:
    """Publish a context binary with the ONNX model that wraps it, as a zipped directory.

    Args:
        wrapper: The .onnx file.
        binary: The context binary beside it.
        provenance: How it was made.
        folder: The attempt's folder.

    Returns:
        Name of the file within the folder.
    """
    binary = binary.rename(binary.with_name("model.bin"))
    label_wrapper(wrapper, binary, provenance)
    name = "target_model.onnx.zip"
    pack_archive({"model.onnx/model.onnx": wrapper, "model.onnx/model.bin": binary}, folder / name)
    return name


def _publish_dlc(dlc: Path, source: Path, folder: Path) -> dict[str, str]:
    """Publish a DLC, and the model that it was made from: ONNX Runtime cannot read a DLC."""
    name = "target_model.dlc"
    dlc.replace(folder / name)
    return {
        TARGET: name,
        SOURCE: publish_model(source, folder, has_external_data=True, name=SOURCE),
    }


def check_control_flow(model: onnx.ModelProto) -> None:
    """Refuse models with subgraphs, for which QNN fails with incomprehensible messages.

    Args:
        model: The model.

    Raises:
        JobFailure: It has control flow.
    """
    control_flow = [
        (node.name or next(iter(node.output), ""), node.op_type)
        for node in model.graph.node
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
    ]
    if control_flow:
        reason = (
            f"QNN does not support control flow, and the model has {format_nodes(control_flow)}: "
            "export it without, for fixed shapes and flags."
        )
        raise JobFailure(FailureType.UNSUPPORTED, reason)
