"""The result of checking a model for a device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

_NAME_WIDTH = 40


@dataclass(frozen=True)
class NodeCheck:
    """Where a node of a model would run.

    Attributes:
        name: Its name; for a node without one, that of its first output.
        op: Its operator, such as "Conv".
        types: The element types of its inputs and outputs, such as "float32 -> float32".
        unit: "HTP", "CPU", or "" if it would run nowhere.
        reason: Why the HTP does not run it; empty if it does.

    Examples:
        >>> check = hub.check_model("model.onnx", hub.Device("Samsung Galaxy S24"))
        >>> check.nodes[0].unit
        'HTP'
    """

    name: str
    op: str
    types: str
    unit: str
    reason: str = ""


@dataclass(frozen=True)
class ModelCheck:
    """What a compile job would make of a model, and where its nodes would run.

    `print(check)` shows it as a table; notebooks show it as HTML.

    Attributes:
        ok: Whether the compile job would succeed.
        refusal: Why it would fail and what to do about it; empty if it would not.
        failure_type: The class of the cause, such as "UNSUPPORTED"; empty if it would not fail.
        device: Name of the device.
        chip: Name of its chip.
        hexagon: Version of the chip's Hexagon processor, such as 75.
        float16: Whether its HTP computes with 16-bit floats, not with integers only.
        runtime: The target runtime, such as "qnn_context_binary".
        format: Format of the model, such as "ONNX".
        size: Size of its file, in bytes.
        opsets: Version of each operator set, by its domain; empty unless the model is ONNX.
        ir_version: Version of its ONNX format; None unless the model is ONNX.
        inputs: Its inputs, as "name: dtype[shape]".
        outputs: Its outputs.
        nodes: Where each node would run, in the order of the model after optimization; empty if
            that is not known.
        notices: What the job would tell.

    Examples:
        >>> check = hub.check_model("model.onnx", hub.Device("Samsung Galaxy S24"))
        >>> check.ok
        True
    """

    ok: bool
    refusal: str
    failure_type: str
    device: str
    chip: str
    hexagon: int
    float16: bool
    runtime: str
    format: str
    size: int
    opsets: Mapping[str, int]
    ir_version: int | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[NodeCheck, ...]
    notices: tuple[str, ...]

    @property
    def units(self) -> dict[str, int]:
        """The number of nodes on each unit.

        Examples:
            >>> check = hub.check_model("model.onnx", hub.Device("Samsung Galaxy S24"))
            >>> list(check.units)
            ['HTP']
        """
        return dict(Counter(node.unit for node in self.nodes))

    def to_dict(self) -> dict[str, Any]:
        """Returns it as a dictionary that can be written as JSON.

        Returns:
            The attributes by name; nodes are dictionaries too.

        Examples:
            >>> check = hub.check_model("model.onnx", hub.Device("Samsung Galaxy S24"))
            >>> check.to_dict()["ok"]
            True
        """
        return {**asdict(self), "opsets": dict(self.opsets)}

    def __str__(self) -> str:
        lines = [f"{title:<10}{text}" for title, text in self._facts()]
        if self.nodes:
            lines += ["", f"{'operator':<24}{'nodes':>6}  {'runs on':<9}types"]
            lines += [
                f"{op:<24}{count:>6}  {unit or 'nothing':<9}{types}"
                for (op, types, unit), count in self._groups().items()
            ]
            lines += [
                f"  {node.op} {node.name[:_NAME_WIDTH]!r}: {node.reason}"
                for node in self.nodes
                if node.reason
            ]
        lines += [f"Notice: {notice}" for notice in self.notices]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        facts = "".join(
            f"<tr><th>{escape(title)}</th><td>{escape(text)}</td></tr>"
            for title, text in self._facts()
        )
        rows = "".join(
            f"<tr><td>{escape(op)}</td><td>{count}</td><td>{escape(unit or 'nothing')}</td>"
            f"<td>{escape(types)}</td></tr>"
            for (op, types, unit), count in self._groups().items()
        )
        reasons = "".join(
            f"<li>{escape(node.op)} {escape(repr(node.name))}: {escape(node.reason)}</li>"
            for node in self.nodes
            if node.reason
        )
        reasons += "".join(f"<li>{escape(notice)}</li>" for notice in self.notices)
        heads = "<tr><th>operator</th><th>nodes</th><th>runs on</th><th>types</th></tr>"
        return f"<table>{facts}</table><table>{heads}{rows}</table><ul>{reasons}</ul>"

    def _facts(self) -> list[tuple[str, str]]:
        verdict = f"compiles for {self.runtime}" if self.ok else f"refused: {self.refusal}"
        precision = "16-bit floats and integers" if self.float16 else "integers only"
        facts = [
            ("result", verdict),
            ("device", f"{self.device}: {self.chip}, Hexagon v{self.hexagon}, {precision}"),
        ]
        about = f"{self.format}, {self.size / 1e6:.2f} MB"
        if self.ir_version is not None:
            opsets = ", ".join(f"{name or 'ai.onnx'} {n}" for name, n in self.opsets.items())
            about += f", IR version {self.ir_version}, operator sets {opsets}"
        facts.append(("model", about))
        facts += [("input", text) for text in self.inputs]
        facts += [("output", text) for text in self.outputs]
        return facts

    def _groups(self) -> Counter[tuple[str, str, str]]:
        return Counter((node.op, node.types, node.unit) for node in self.nodes)
