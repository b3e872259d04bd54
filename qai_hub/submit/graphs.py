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
from qai_hub.submit.model_checks import check_compilable, get_model_key

if TYPE_CHECKING:
    from qai_hub.tensors import InputSpecs, ParsedSpecs

T = TypeVar("T")

_GRAPH_SETTING = "context_enable_graphs"


@dataclass(frozen=True)
class Graph:
    """One model to compile and link.

    Attributes:
        model: The model, on the hub or to be uploaded.
        key: Identity of the model: equal for a model that is sources several times.
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
    sources = models if isinstance(models, list) else [models]
    if not sources:
        raise UserError("models is an empty list: pass at least one model.")
    names = _check_graph_names(graph_names, len(sources))
    specs = _broadcast("input_specs", input_specs, len(sources))
    options = _broadcast("compile_options", compile_options, len(sources))
    graphs = [
        Graph(model, get_model_key(model), check_specs(spec), _build_options(text, graph))
        for model, spec, graph, text in zip(sources, specs, names, options, strict=True)
    ]
    for graph in graphs:
        check_compilable(graph.model, graph.input_specs, graph.options)
    return graphs


def _check_graph_names(names: list[str] | None, count: int) -> list[str | None]:
    if names is None:
        if count > 1:
            raise UserError("Several models need graph_names: one name per model.")
        return [None]
    if not isinstance(names, list):
        raise UserError(f"graph_names must be a list of names, not {names!r}.")
    each: list[str | None] = _broadcast("graph_names", names, count)
    for name in names:
        # Whitespace, quotes and separators would end the name inside the options.
        if not isinstance(name, str) or not re.fullmatch(r"[^\s;,='\"\\]+", name):
            raise UserError(f"{name!r} is not a valid graph name.")
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise UserError(f"Graph names must be unique. Duplicates: {', '.join(duplicates)}.")
    return each


def _broadcast(argument: str, value: Any, count: int) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        return [value] * count
    if len(value) != count:
        raise UserError(f"{argument} has {len(value)} entries for {count} models.")
    return value


def _build_options(text: str, graph_name: str | None) -> str:
    """Returns the options of a compile job whose target model will be linked."""
    text = check_options("compile_options", text)
    try:
        options = parse_option_string(text)
    except OptionStringError as error:
        raise UserError(f"compile_options cannot be parsed ({error}): {text!r}.") from None
    if any(_GRAPH_SETTING in (value or "") for value in option_values(QNN_OPTIONS, options)):
        raise UserError("compile_options must not name the graph: use graph_names.")
    runtimes = set(option_values(TARGET_RUNTIME, options))
    if runtimes - {"qnn_dlc"}:
        raise UserError("compile_options must not set a target_runtime other than qnn_dlc.")
    named = f"{QNN_OPTIONS} {_GRAPH_SETTING}={graph_name}" if graph_name else ""
    runtime = "" if runtimes else f"{TARGET_RUNTIME} qnn_dlc"
    return " ".join(part for part in (text, named, runtime) if part)
