"""The options of jobs: a strict reader and the table of what this hub supports."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qai_hub.local.execution.failures import FailureType, JobFailure

MOST_ITERATIONS = 10_000
DEFAULT_ITERATIONS = 100


@dataclass(frozen=True, slots=True)
class Option:
    """An option that takes a value.

    Attributes:
        read: Turns the value's text into what it means; raises ValueError with what is wrong, or
            JobFailure where the value is right but not supported here.
        takes: What a value may be, for people.
    """

    read: Callable[[str], Any]
    takes: str


def parse_options(text: str, table: Mapping[str, Option]) -> dict[str, Any]:
    """Read a job's options, `--flag value` or `--flag=value`, quoted as in a shell.

    Args:
        text: The options as submitted.
        table: The options that the job takes, by their flags.

    Returns:
        The values of the options that were given, by their flags.

    Raises:
        JobFailure: Something is unknown, malformed, given twice, or not supported here.
    """
    try:
        words = iter(shlex.split(text))
    except ValueError as error:
        raise _refused(f"The options cannot be read ({error}): {text!r}.", table) from None
    values: dict[str, Any] = {}
    for word in words:
        flag, has_value, value = word.partition("=")
        if flag not in table:
            kind = "The option" if flag.startswith("-") else "In the options, the text"
            raise _refused(f"{kind} {flag!r} is not supported by this hub.", table)
        if flag in values:
            raise _refused(f"The option {flag!r} is given twice.", table)
        if not has_value:
            value = next(words, "")
        if not value or value.startswith("--"):
            raise _refused(f"The option {flag!r} needs a value: {table[flag].takes}.", table)
        try:
            values[flag] = table[flag].read(value)
        except ValueError as error:
            problem = f"The option {flag!r} cannot be {value!r}: {error}"
            raise _refused(problem, table) from None
    return values


def _refused(problem: str, table: Mapping[str, Option]) -> JobFailure:
    supported = "; ".join(f"{flag} ({option.takes})" for flag, option in table.items())
    return JobFailure(FailureType.INVALID_ARGUMENT, f"{problem} Supported: {supported}.")


_RUNTIMES = ("onnx",)
_RUNTIMES_ELSEWHERE = (
    "tflite",
    "qnn_dlc",
    "qnn_context_binary",
    "precompiled_qnn_onnx",
    "qnn_lib_aarch64_android",
)


def _target_runtime(value: str) -> str:
    if value in _RUNTIMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot compile for the runtime {value!r}: it has no compiler for it. "
            f"Supported: --target_runtime {'|'.join(_RUNTIMES)}.",
        )
    if value not in _RUNTIMES:
        raise ValueError("there is no such runtime.")
    return value


_COMPUTE_UNITS = ("all", "cpu", "gpu", "npu")


def _compute_unit(value: str) -> tuple[str, ...]:
    units = tuple(value.split(","))
    for unit in units:
        if unit not in _COMPUTE_UNITS:
            raise ValueError(f"there is no compute unit {unit!r}.")
    if not {"all", "cpu"} & set(units):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub runs models on its host CPU only; --compute_unit {value} leaves the CPU "
            "out. Supported: --compute_unit cpu|all, or a list with cpu in it.",
        )
    return units


def _iterations(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise ValueError("it is not a number.")
    number = int(value)
    if not 1 <= number <= MOST_ITERATIONS:
        raise ValueError(f"it must be from 1 to {MOST_ITERATIONS}.")
    return number


TARGET_RUNTIME = "--target_runtime"
COMPUTE_UNIT = "--compute_unit"
ITERATIONS = "--max_profiler_iterations"

COMPILE_OPTIONS: Mapping[str, Option] = {
    TARGET_RUNTIME: Option(_target_runtime, "|".join(_RUNTIMES)),
}
INFERENCE_OPTIONS: Mapping[str, Option] = {
    COMPUTE_UNIT: Option(_compute_unit, "cpu|all"),
}
PROFILE_OPTIONS: Mapping[str, Option] = {
    **INFERENCE_OPTIONS,
    ITERATIONS: Option(_iterations, f"1 to {MOST_ITERATIONS}"),
}
