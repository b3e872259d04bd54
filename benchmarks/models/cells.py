"""The cells of the table: a model, a target runtime and a precision, and what came of each."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RUNTIMES = ("tflite", "onnx", "precompiled_qnn_onnx", "qnn_dlc", "qnn_context_binary")
PRECISIONS = ("float", "w8a8", "w8a16")


@dataclass(frozen=True, order=True)
class Cell:
    """A model, a target runtime and a precision, as `qai-hub-models export` names them."""

    model: str
    runtime: str
    precision: str


@dataclass(frozen=True)
class Claims:
    """What the manifests of models say.

    Attributes:
        works: The cells that are claimed to work.
        fails: The reasons of those that are offered, but said to fail.
    """

    works: tuple[Cell, ...]
    fails: Mapping[Cell, str]


def read_claims(text: str) -> Claims:
    """Reads what claims.py printed.

    Args:
        text: Its JSON: for each model a list of runtime, precision and reason or null.

    Returns:
        The claims about the runtimes and precisions of the table, in the order of the models.
    """
    works, fails = [], {}
    for model, rows in json.loads(text).items():
        for runtime, precision, reason in rows:
            if runtime not in RUNTIMES or precision not in PRECISIONS:
                continue
            cell = Cell(model, runtime, precision)
            if reason is None:
                works.append(cell)
            else:
                fails[cell] = reason
    return Claims(tuple(works), fails)


def order_cells(cells: Iterable[Cell]) -> list[Cell]:
    """Orders cells so that a run that ends early has seen much.

    Each round has one cell of each model, whose runtimes and precisions differ from model to model.

    Args:
        cells: The cells, those of a model in any order.

    Returns:
        The same cells.
    """
    of_models: dict[str, list[Cell]] = {}
    for cell in cells:
        of_models.setdefault(cell.model, []).append(cell)
    # Of neighbours in a model's list, both runtime and precision differ.
    keys = {
        cell: (RUNTIMES.index(cell.runtime) + 2 * PRECISIONS.index(cell.precision)) % len(RUNTIMES)
        for each in of_models.values()
        for cell in each
    }
    rounds: list[tuple[int, int, Cell]] = []
    for place, each in enumerate(of_models.values()):
        listed = sorted(each, key=lambda cell: (keys[cell], PRECISIONS.index(cell.precision)))
        turn = (place * 3) % len(listed)
        rounds += [
            (number, place, cell) for number, cell in enumerate(listed[turn:] + listed[:turn])
        ]
    return [cell for _, _, cell in sorted(rounds)]


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    Attributes:
        cell: The cell.
        client: "ours" or "official".
        psnr: PSNR in decibels of each output, against PyTorch on the CPU; null where the tool
            gives none, infinity as "inf". Empty if the export did not get there.
        milliseconds: Time of an inference, of all parts of the model together.
        size: Bytes of the target model, of all parts together.
        seconds: How long the export took.
        reason: Why it failed; empty if it did not.
        notices: Warnings of its jobs.
        versions: Versions of what the outcome depends on.
    """

    cell: Cell
    client: str = "ours"
    psnr: Mapping[str, float | str | None] = field(default_factory=dict)
    milliseconds: float | None = None
    size: int | None = None
    seconds: float = 0
    reason: str = ""
    notices: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def lowest(self) -> float | None:
        """The lowest PSNR of an output, in decibels; None if there is none."""
        values = [float(value) for value in self.psnr.values() if value is not None]
        return min(values, default=None)

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        fields = asdict(self)
        return {**fields.pop("cell"), **fields}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Outcome":
        """Creates it from what `to_json` returned."""
        fields = dict(row)
        cell = Cell(fields.pop("model"), fields.pop("runtime"), fields.pop("precision"))
        return cls(cell, **{**fields, "notices": tuple(fields["notices"])})


class Results:
    """The outcomes so far, in a file of JSON lines, one for each cell and client.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._outcomes: dict[tuple[str, Cell], Outcome] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            outcome = Outcome.from_json(json.loads(line))
            self._outcomes[outcome.client, outcome.cell] = outcome

    def add(self, outcome: Outcome) -> None:
        """Adds an outcome, in place of an earlier one of its cell and client."""
        with self._lock:
            self._outcomes[outcome.client, outcome.cell] = outcome
            lines = [
                json.dumps(self._outcomes[key].to_json(), ensure_ascii=False)
                for key in sorted(self._outcomes)
            ]
            beside = self._path.with_suffix(".new")
            beside.write_text("\n".join(lines) + "\n", "utf-8")
            beside.replace(self._path)

    def get(self, cell: Cell, client: str = "ours") -> Outcome | None:
        """Returns the outcome of a cell; None if it was not run."""
        return self._outcomes.get((client, cell))

    def list_missing(
        self, cells: Sequence[Cell], client: str, versions: Mapping[str, str]
    ) -> list[Cell]:
        """Lists the cells that have no outcome with these versions.

        Args:
            cells: The cells that are wanted.
            client: "ours" or "official".
            versions: The versions.

        Returns:
            Those to run, in the same order.
        """
        found = {cell: self.get(cell, client) for cell in cells}
        return [
            cell
            for cell, outcome in found.items()
            if outcome is None or outcome.versions != versions
        ]
