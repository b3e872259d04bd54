"""The result of checking a model for a device."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qai_hub.display import html
from qai_hub.display.text import format_fields, limit_rows, one_line

_NAME_WIDTH = 40
_MAX_REASONS = 50
_MAX_REASON = 500
_MAX_GROUPS = 100


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


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        told = {"ok": self.ok, "refusal": self.refusal, "device": self.device}
        return format_fields("ModelCheck", {**told, "runtime": self.runtime, "units": self.units})

    def __str__(self) -> str:
        lines = [f"{title:<10}{text}" for title, text in self._facts()]
        if self.nodes:
            lines += ["", f"{'operator':<24}{'nodes':>6}  {'runs on':<9}types"]
            groups = [
                f"{op:<24}{count:>6}  {unit or 'nothing':<9}{types}"
                for (op, types, unit), count in self._groups().items()
            ]
            lines += limit_rows(groups, _MAX_GROUPS)
            lines += [f"  {reason}" for reason in self._reasons()]
        lines += [f"Notice: {notice}" for notice in self.notices]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        verdict = html.badge("compiles", html.GREEN) if self.ok else html.badge("refused", html.RED)
        columns = ["operator", "nodes", "runs on", "types"]
        rows = [
            [html.name(op), str(count), unit or "nothing", html.name(types)]
            for (op, types, unit), count in itertools.islice(self._groups().items(), _MAX_GROUPS)
        ]
        reasons = [one_line(reason, _MAX_REASON) for reason in self._reasons()]
        facts: dict[str, str] = {}
        for title, text in self._facts():
            facts[title] = f"{facts[title]}\n{text}" if title in facts else text
        return html.card(
            verdict,
            html.facts(facts),
            html.table(columns, rows, numbers=["nodes"]),
            *map(html.paragraph, [*reasons, *self.notices]),
        )

    def _reasons(self) -> list[str]:
        """Returns why the HTP does not run nodes, one a line."""
        reasons = [
            f"{node.op} {node.name[:_NAME_WIDTH]!r}: {node.reason}"
            for node in self.nodes
            if node.reason
        ]
        return limit_rows(reasons, _MAX_REASONS, ": see nodes")

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
        # Nothing is read of a model where the options are refused.
        if self.format:
            facts.append(("model", about))
        facts += [("input", text) for text in self.inputs]
        facts += [("output", text) for text in self.outputs]
        return facts

    def _groups(self) -> Counter[tuple[str, str, str]]:
        return Counter((node.op, node.types, node.unit) for node in self.nodes)
