"""A finding, and a bound on the time that it takes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")

STEP_SECONDS = 5.0
"""Seconds after which a step that needs the network counts as failed."""


class State(StrEnum):
    """What a finding means."""

    OK = "OK"
    PROBLEM = "PROBLEM"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Finding:
    """What was found on one matter.

    Attributes:
        topic: What it is about, such as `server`.
        name: The matter.
        state: Whether it is in order.
        text: What was found.
        remedy: What to do about it; empty if there is nothing to do.
    """

    topic: str
    name: str
    state: State
    text: str
    remedy: str = ""


def run_bounded(step: Callable[[], T]) -> T:
    """Runs a step that may block in the system, such as the resolution of a name.

    Args:
        step: The step. If it takes too long, its thread is left behind.

    Returns:
        What the step returns.

    Raises:
        TimeoutError: If it takes longer than `STEP_SECONDS`.
        Exception: What the step raises.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(step())
        except Exception as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(STEP_SECONDS)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"There was no answer within {STEP_SECONDS:g} seconds.")
    return results[0]
