"""The plan for a context binary of several graphs: one compile job per model."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from qai_hub.errors import UserError
from qai_hub.option_string import (
    QNN_OPTIONS,
    TARGET_RUNTIME,
    OptionStringError,
    option_values,
    parse_option_string,
)
from qai_hub.submit.checks import check_options, check_specs
from qai_hub.submit.model_checks import check_compiles, model_key

if TYPE_CHECKING:
    from qai_hub.tensors import InputSpecs, ParsedSpecs

T = TypeVar("T")

_GRAPH = "context_enable_graphs"


@dataclass(frozen=True)
class Graph:
    """One model to compile and link.

    Attributes:
        model: The model, on the hub or to be uploaded.
        key: Identity of the model: equal for a model that is given several times.
        input_specs: Its input specs; None if there are none.
        options: Options of its compile job.
    """

    model: Any
    key: Hashable
    input_specs: ParsedSpecs | None
    options: str


def plan_graphs(
    models: Any,  # noqa: ANN401 (a model or a list of them)
    input_specs: InputSpecs | list[InputSpecs | None] | None,
    graph_names: list[str] | None,
    compile_options: str | list[str],
) -> list[Graph]:
    """Checks what is to be compiled and linked, and groups it by model.

    Args:
        models: As in `submit_compile_and_link_jobs`.
        input_specs: As in `submit_compile_and_link_jobs`.
        graph_names: As in `submit_compile_and_link_jobs`.
        compile_options: As in `submit_compile_and_link_jobs`.

    Returns:
        The graphs, in the models' order.

    Raises:
        FileNotFoundError: If the path of a model does not exist.
        UserError: If another argument is not valid.
    """
    given = models if isinstance(models, list) else [models]
    if not given:
        raise UserError("models is an empty list: give at least one model.")
    names = _graph_names(graph_names, len(given))
    specs = _one_each("input_specs", input_specs, len(given))
    options = _one_each("compile_options", compile_options, len(given))
    graphs = [
        Graph(model, model_key(model), check_specs(spec), _options(text, graph))
        for model, spec, graph, text in zip(given, specs, names, options, strict=True)
    ]
    for graph in graphs:
        check_compiles(graph.model, graph.input_specs, graph.options)
    return graphs


def _graph_names(names: list[str] | None, count: int) -> list[str | None]:
    if names is None:
        if count > 1:
            raise UserError("Several models need graph_names, one for each.")
        return [None]
    if not isinstance(names, list):
        raise UserError(f"graph_names takes a list of names, not {names!r}.")
    each: list[str | None] = _one_each("graph_names", names, count)
    for name in names:
        # Whitespace, quotes and separators would end the name inside the options.
        if not isinstance(name, str) or not re.fullmatch(r"[^\s;,='\"\\]+", name):
            raise UserError(f"{name!r} cannot be the name of a graph.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"Graph names must differ, and {', '.join(twice)} comes twice.")
    return each


def _one_each(argument: str, given: Any, count: int) -> list[Any]:  # noqa: ANN401
    if not isinstance(given, list):
        return [given] * count
    if len(given) != count:
        raise UserError(f"{argument} has {len(given)} entries for {count} models.")
    return given


def _options(text: str, graph_name: str | None) -> str:
    """Returns the options of a compile job whose target model will be linked."""
    text = check_options("compile_options", text)
    try:
        options = parse_option_string(text)
    except OptionStringError as error:
        raise UserError(f"compile_options cannot be read ({error}): {text!r}.") from None
    if any(_GRAPH in (value or "") for value in option_values(QNN_OPTIONS, options)):
        raise UserError("compile_options must not name the graph: give graph_names.")
    runtimes = set(option_values(TARGET_RUNTIME, options))
    if runtimes - {"qnn_dlc"}:
        raise UserError("compile_options must not name another target_runtime than qnn_dlc.")
    named = f"{QNN_OPTIONS} {_GRAPH}={graph_name}" if graph_name else ""
    runtime = "" if runtimes else f"{TARGET_RUNTIME} qnn_dlc"
    return " ".join(part for part in (text, named, runtime) if part)
