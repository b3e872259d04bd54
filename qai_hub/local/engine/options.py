"""Job options: parsers for their values, and how the hub handles them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import notice, shortened
from qai_hub.local.enums import JobTypeName
from qai_hub.option_string import OptionStringError, parse_option_string

RUNTIMES = ("onnx", "precompiled_qnn_onnx", "qnn_context_binary", "qnn_dlc")
_RUNTIMES_ELSEWHERE = {
    "tflite": "there is no converter from ONNX to TensorFlow Lite that it could use",
    "qnn_lib_aarch64_android": "it has no compiler for Android; a qnn_dlc or qnn_context_binary "
    "takes its place",
}
THREADS = "number_of_threads"
_MOST_THREADS = 256
# Types of weights and activations.
_FULL_TYPES = {
    "int8": ("INT8", "INT8"),
    "w8a8": ("INT8", "INT8"),
    "w8a16": ("INT8", "INT16"),
    "w4a8": ("INT4", "INT8"),
    "w4a16": ("INT4", "INT16"),
}
FULL_TYPES = "|".join(_FULL_TYPES)
_FULL_TYPES_ELSEWHERE = {
    "int16": "it quantizes weights to 8 or 4 bits; w8a16 has activations of 16 bits",
    "float16": "a float model for one of QNN's runtimes computes in float16 without it",
}
_COMPUTE_UNITS = ("all", "cpu", "gpu", "npu")
_UNITS_HERE = {"cpu": "the CPU of this hub's host", "npu": "a simulated NPU"}
_RANGE_SCHEMES = ("auto", "min_max")
_RANGE_SCHEMES_ELSEWHERE = ("mse_minimizer",)


def target_runtime(value: str) -> str:
    """Parse a target runtime."""
    if value in _RUNTIMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot compile for the runtime {value!r}: {_RUNTIMES_ELSEWHERE[value]}. "
            f"Supported: --target_runtime {'|'.join(RUNTIMES)}.",
        )
    if value not in RUNTIMES:
        raise ValueError("there is no such runtime.")
    return value


def compute_units(value: str) -> tuple[str, ...]:
    """Parse a list of compute units; a model runs on the first that is available."""
    units = tuple(value.split(","))
    for unit in units:
        if unit not in _COMPUTE_UNITS:
            raise ValueError(f"there is no compute unit {unit!r}.")
    return units


def unused_units(asked: Sequence[str], used: Sequence[str]) -> list[str]:
    """Return the requested compute units that a model does not run on here.

    Args:
        asked: The compute units that the options request.
        used: The compute units that the model runs on here, the main one first. What that one
            cannot run falls back to the others, whether they were requested or not.

    Returns:
        The requested units that it does not run on.

    Raises:
        JobFailure: The main one was not requested.
    """
    main = used[0]
    if not {"all", main} & set(asked):
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"Here this model runs on {_UNITS_HERE[main]}; --compute_unit {','.join(asked)} leaves "
            f"it out. Supported: --compute_unit {main}|all, or a list with {main} in it.",
        )
    return sorted(set(asked) - {"all", *used})


def full_type(value: str) -> tuple[str, str]:
    """Parse the types of weights and activations to quantize a model to."""
    if value in _FULL_TYPES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot quantize to {value!r}: {_FULL_TYPES_ELSEWHERE[value]}. "
            f"Supported: --quantize_full_type {FULL_TYPES}.",
        )
    if value not in _FULL_TYPES:
        raise ValueError("there is no such type.")
    return _FULL_TYPES[value]


def range_scheme(value: str) -> str:
    """Parse how the ranges of activations are derived from the calibration data."""
    if value in _RANGE_SCHEMES_ELSEWHERE:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot tell ranges by {value!r}: it takes the smallest and the largest "
            f"value. Supported: --range_scheme {'|'.join(_RANGE_SCHEMES)}.",
        )
    if value not in _RANGE_SCHEMES:
        raise ValueError("there is no such scheme.")
    return value


def number(most: int) -> Callable[[str], int]:
    """Return a parser of integers from 1 to `most`."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise ValueError("it is not a number.")
        if not 1 <= int(value) <= most:
            raise ValueError(f"it must be from 1 to {most}.")
        return int(value)

    return read


def switch(value: str) -> bool:
    """Parse "true" or "false"."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("it must be true or false.")
    return value.lower() == "true"


def names(value: str) -> tuple[str, ...]:
    """Parse comma-separated names, which must be distinct."""
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise ValueError("a name is empty.")
    if len(set(found)) < len(found):
        raise ValueError("a name comes twice.")
    return found


def settings(value: str) -> dict[str, str]:
    """Parse settings, `a=b;c=d`; a value may contain further "="."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        key, equals, text = part.strip().partition("=")
        if not (key and equals and text):
            raise ValueError(f"{part.strip()!r} is not of the form name=value.")
        if key in found:
            raise ValueError(f"{key} comes twice.")
        found[key] = text
    return found


def tflite_settings(value: str) -> dict[str, str]:
    """Parse settings for TensorFlow Lite models."""
    found = settings(value)
    if THREADS in found:
        number(_MOST_THREADS)(found[THREADS])
    return found


@dataclass(frozen=True, slots=True)
class Done:
    """The hub supports an option, as this text describes."""

    what: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An option has no effect here, by design; a notice on the job gives the reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The hub does not support an option: the job fails with the reason."""

    why: str


Rule = Done | Ignored | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of one or more job types.

    Attributes:
        flag: Its name, such as "--target_runtime".
        takes: Description of its possible values, for users.
        read: Parses the text of the value; raises ValueError with what is wrong, or JobFailure if
            the value is valid but not supported here.
        rules: How the hub handles it, by the job types that take it.
        switch: Whether it may be given without a value, which means true. Set to false, it requests
            nothing and is never refused.
        repeats: Whether it may be repeated, to add to the mapping that `read` returns.
    """

    flag: str
    takes: str
    read: Callable[[str], Any]
    rules: Mapping[JobTypeName, Rule]
    switch: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The parsed options of a job.

    Attributes:
        values: The values of the supported options, by flag.
        notices: A notice for each option that was ignored.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)


def parse_options(text: str, kind: JobTypeName, table: Sequence[Option]) -> Options:
    """Parse a job's options, `--flag value` or `--flag=value`, quoted as in a shell.

    Args:
        text: The options as submitted.
        kind: The job type.
        table: All options that exist.

    Returns:
        The parsed options.

    Raises:
        JobFailure: An option is unknown, malformed, repeated, or not supported here.
    """
    known = {option.flag: option for option in table}
    result = Options()
    for flag, value in _read(text, kind, known).items():
        if known[flag].switch and value is False:
            continue
        rule = known[flag].rules[kind]
        if isinstance(rule, Refused):
            reason = f"This hub cannot do {flag}: {rule.why}."
            raise JobFailure(FailureType.UNSUPPORTED, reason)
        if isinstance(rule, Ignored):
            message = f"The option {flag} was ignored: {rule.why}."
            result.notices.append(notice("INFO", "USER", message))
        else:
            result.values[flag] = value
    return result


def _read(text: str, kind: JobTypeName, known: Mapping[str, Option]) -> dict[str, Any]:
    """Return the values of all options that were given, by flag."""
    switches = [option.flag for option in known.values() if option.switch]
    try:
        given = parse_option_string(text, switches)
    except OptionStringError as error:
        raise _invalid(f"The options cannot be read ({error}): {text!r}.", kind, known) from None
    values: dict[str, Any] = {}
    for flag, value in given:
        option = known.get(flag)
        if option is None or kind not in option.rules:
            raise _invalid(_unknown(flag, kind, option), kind, known)
        if value is None and option.switch:
            value = "true"  # noqa: PLW2901
        if not value or value.startswith("--"):
            raise _invalid(f"The option {flag!r} needs a value: {option.takes}.", kind, known)
        if flag in values and not option.repeats:
            raise _invalid(f"The option {flag!r} is given twice.", kind, known)
        try:
            read = option.read(value)
            values[flag] = _merged(values[flag], read) if flag in values else read
        except ValueError as error:
            problem = f"The option {flag!r} cannot be {shortened(value, 1000)}: {error}"
            raise _invalid(problem, kind, known) from None
    return values


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(f"{key} was given before, with another value.")
    return {**first, **second}


def _unknown(flag: str, kind: JobTypeName, option: Option | None) -> str:
    if option is not None:
        return f"The option {flag!r} is not one of {kind} jobs, but of {', '.join(option.rules)}."
    what = "The option" if flag.startswith("-") else "In the options, the text"
    return f"{what} {flag!r} is not supported by this hub."


def _invalid(problem: str, kind: JobTypeName, known: Mapping[str, Option]) -> JobFailure:
    supported = "; ".join(
        f"{option.flag} ({option.takes})"
        for option in known.values()
        if isinstance(option.rules.get(kind), Done)
    )
    reason = f"{problem} Supported: {supported or 'none'}."
    return JobFailure(FailureType.INVALID_ARGUMENT, reason)
