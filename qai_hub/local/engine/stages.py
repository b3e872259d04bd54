"""The stages of an attempt: workers that run one after another, with packages of engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from qai_hub.local.engine.failures import FailureType
from qai_hub.local.engine.packages import HUB_PACKAGES, WorkerPackages
from qai_hub.local.engine.protocol import AttemptRequest, Report
from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.engines.locking import in_use
from qai_hub.local.engines.places import State, get_state

# What a later stage adds to, rather than says anew.
_COLLECTED = ("tool_versions", "notices")


@contextmanager
def packages_of(name: str) -> Iterator[WorkerPackages | None]:
    """Keep the packages of an engine while a worker runs with them.

    Args:
        name: The engine; empty for the packages of the hub.

    Yields:
        The packages; None if this machine does not have them.
    """
    if not name:
        yield HUB_PACKAGES
        return
    engine = ENGINES[name]
    with in_use(engine) as installation:
        yield None if installation is None else WorkerPackages.of_engine(engine, installation)


def installed_engines() -> tuple[str, ...]:
    """Return the names of the engines that this machine has."""
    return tuple(name for name, engine in ENGINES.items() if get_state(engine) is State.INSTALLED)


def accept_stage(stage: AttemptRequest, request: AttemptRequest, folder: Path) -> AttemptRequest:
    """Return the next stage that a worker asks for, with its files where they really are.

    A worker runs models of anybody, and the next one may read all files of its request. So none
    may be outside of the attempt's folder, not even by a link, unless the worker had it itself.

    Args:
        stage: What the worker asks for.
        request: What the worker was asked for.
        folder: The attempt's folder.

    Raises:
        ValueError: The stage names another file, or an engine that does not exist.
    """
    allowed = {path.resolve() for path in request.files}
    located = stage.with_paths(lambda path: path.resolve(strict=True))
    for path in located.files:
        if path not in allowed and not path.is_relative_to(folder.resolve()):
            raise ValueError(f"the next stage of an attempt must not read {path}")
    if stage.engine and stage.engine not in ENGINES:
        raise ValueError(f"there is no engine {stage.engine!r}")
    return located


def merge_results(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return the result of two stages: what both list is there once, that of the earlier first."""
    merged = earlier | later
    for name in _COLLECTED:
        both = [*earlier.get(name, ()), *later.get(name, ())]
        if both:
            merged[name] = [each for i, each in enumerate(both) if each not in both[:i]]
    return merged


def continue_report(earlier: Report, later: Report) -> Report:
    """Return the report of an attempt after one more stage."""
    if later.failure_type != FailureType.SUCCESS:
        return later
    return replace(later, result=merge_results(earlier.result, later.result))
