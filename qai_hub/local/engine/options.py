"""Job options: parsers for their values, and how the hub handles them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qai_hub.closest import did_you_mean
from qai_hub.local.engine.failures import FailureType, JobFailure
from qai_hub.local.engine.protocol import build_notice, quote_name
from qai_hub.local.enums import JobTypeName
from qai_hub.option_string import OptionStringError, parse_option_string

RUNTIMES = ("onnx", "precompiled_qnn_onnx", "qnn_context_binary", "qnn_dlc", "tflite")
_UNSUPPORTED_RUNTIMES = {
    "qnn_lib_aarch64_android": "it has no compiler for Android; use qnn_dlc or "
    "qnn_context_binary instead",
}
THREADS = "number_of_threads"
_MAX_THREADS = 256
# Python refuses to parse very long numbers.
_MAX_DIGITS = 9
# Types of weights and activations.
HALF = "float16"
HALF_TYPE = ("FLOAT16", "FLOAT16")
_FULL_TYPES = {
    "int8": ("INT8", "INT8"),
    "w8a8": ("INT8", "INT8"),
    "w8a16": ("INT8", "INT16"),
    "w4a8": ("INT4", "INT8"),
    "w4a16": ("INT4", "INT16"),
    HALF: HALF_TYPE,
}
FULL_TYPES = "|".join(_FULL_TYPES)
_IO_TYPES = ("int8", "uint8")
_LEVELS = ("0", "1", "2", "3")
_UNSUPPORTED_FULL_TYPES = {
    "int16": "it quantizes weights to 8 or 4 bits; w8a16 has 16-bit activations",
}
_COMPUTE_UNITS = ("all", "cpu", "gpu", "npu")
_UNIT_DESCRIPTIONS = {"cpu": "the CPU of this hub's host", "npu": "a simulated NPU"}
FP16 = "fp16"
OVERRIDE_TYPES = ("int16", FP16)
MSE_MINIMIZER = "mse_minimizer"
RANGE_SCHEMES = ("auto", "min_max", MSE_MINIMIZER)


def parse_target_runtime(value: str) -> str:
    """Parse a target runtime."""
    if value in _UNSUPPORTED_RUNTIMES:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot compile for the runtime {value!r}: {_UNSUPPORTED_RUNTIMES[value]}. "
            f"Supported: --target_runtime {'|'.join(RUNTIMES)}.",
        )
    if value not in RUNTIMES:
        raise ValueError("there is no such runtime.")
    return value


def parse_compute_units(value: str) -> tuple[str, ...]:
    """Parse a list of compute units; a model runs on the first that is available."""
    units = tuple(value.split(","))
    for unit in units:
        if unit not in _COMPUTE_UNITS:
            raise ValueError(f"there is no compute unit {unit!r}.")
    return units


def check_compute_units(requested: Sequence[str], used: Sequence[str]) -> list[dict[str, str]]:
    """Check that a model may run on the compute units that it runs on here.

    Args:
        requested: The compute units that the options request.
        used: The compute units that the model runs on here, the main one first. What that one
            cannot run falls back to the others, whether they were requested or not.

    Returns:
        A notice if it does not run on all that were requested. No hub has a GPU, so what asks for
        one runs nevertheless.

    Raises:
        JobFailure: The main one was not requested.
    """
    main, asked = used[0], ",".join(requested)
    is_excluded = not {"all", main} & set(requested)
    if is_excluded and "gpu" not in requested:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This model runs on {_UNIT_DESCRIPTIONS[main]}, which --compute_unit "
            f"{asked} excludes. Supported: --compute_unit {main}|all, or a list "
            f"that includes {main}.",
        )
    unused = sorted(set(requested) - {"all", *used})
    if is_excluded:
        message = (
            f"--compute_unit {asked} had no effect: this hub has no GPU, and the model ran on "
            f"{_UNIT_DESCRIPTIONS[main]}. Times and outputs are not those of a GPU."
        )
        return [build_notice("WARNING", "DEVICE", message)]
    if unused:
        message = f"The model ran on {','.join(used)}, not on {','.join(unused)}."
        return [build_notice("INFO", "DEVICE", message)]
    return []


def parse_full_type(value: str) -> tuple[str, str]:
    """Parse the types of weights and activations to quantize a model to."""
    if value in _UNSUPPORTED_FULL_TYPES:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub cannot quantize to {value!r}: {_UNSUPPORTED_FULL_TYPES[value]}. "
            f"Supported: --quantize_full_type {FULL_TYPES}.",
        )
    if value not in _FULL_TYPES:
        raise ValueError("there is no such type.")
    return _FULL_TYPES[value]


def parse_weight_type(value: str) -> str:
    """Parse the type to which weights alone are quantized."""
    if value != HALF:
        raise ValueError("there is no such type.")
    return value


def parse_io_type(value: str) -> str:
    """Parse the type of quantized inputs and outputs."""
    if value not in _IO_TYPES:
        raise ValueError("there is no such type.")
    return value


def parse_range_scheme(value: str) -> str:
    """Parse how the ranges of activations are derived from the calibration data."""
    if value not in RANGE_SCHEMES:
        raise ValueError("there is no such scheme.")
    return value


@dataclass(frozen=True, slots=True)
class MixedPrecision:
    """Keep some layers at 16 bits.

    Attributes:
        percentage: How many of the layers, in percent.
        kind: What they are kept in: "int16" or "fp16".
    """

    percentage: float
    kind: str


def parse_mixed_precision(value: str) -> MixedPrecision:
    """Parse which share of the layers gets more bits."""
    settings = parse_settings(value)
    if set(settings) != {"percentage", "override_qtype"}:
        raise ValueError("it must have the settings percentage and override_qtype.")
    kind = settings["override_qtype"]
    if kind not in OVERRIDE_TYPES:
        raise JobFailure(
            FailureType.UNSUPPORTED,
            f"This hub does not support override_qtype={quote_name(kind)} of --lite_mp. "
            f"Supported: override_qtype={'|'.join(OVERRIDE_TYPES)}.",
        )
    try:
        percentage = float(settings["percentage"])
    except ValueError:
        raise ValueError("percentage is not a number.") from None
    if not 0 < percentage <= 100:
        raise ValueError("percentage must be above 0, and 100 at most.")
    return MixedPrecision(percentage, kind)


def integer_parser(maximum: int) -> Callable[[str], int]:
    """Return a parser of integers from 1 to `maximum`."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdecimal()):
            raise ValueError("it is not a whole number.")
        if len(value) > _MAX_DIGITS or not 1 <= int(value) <= maximum:
            raise ValueError(f"it must be from 1 to {maximum}.")
        return int(value)

    return parse


def parse_level(value: str) -> int:
    """Parse a level of optimization."""
    if value not in _LEVELS:
        raise ValueError("there is no such level.")
    return int(value)


def parse_switch(value: str) -> bool:
    """Parse "true" or "false"."""
    if value.lower() not in {"true", "false"}:
        raise ValueError("it must be true or false.")
    return value.lower() == "true"


def parse_names(value: str) -> tuple[str, ...]:
    """Parse comma-separated names, which must be distinct."""
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise ValueError("a name is empty.")
    if len(set(found)) < len(found):
        raise ValueError("a name is repeated.")
    return found


def parse_settings(value: str) -> dict[str, str]:
    """Parse settings, `a=b;c=d`; a value may contain further "="."""
    found: dict[str, str] = {}
    for part in value.split(";"):
        key, equals, text = part.strip().partition("=")
        if not (key and equals and text):
            raise ValueError(f"{part.strip()!r} is not of the form name=value.")
        if key in found:
            raise ValueError(f"{key} is repeated.")
        found[key] = text
    return found


def parse_tflite_settings(value: str) -> dict[str, str]:
    """Parse settings for TensorFlow Lite models."""
    found = parse_settings(value)
    if THREADS in found:
        integer_parser(_MAX_THREADS)(found[THREADS])
    return found


@dataclass(frozen=True, slots=True)
class Supported:
    """The hub supports an option, as this text describes."""

    description: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An option has no effect here, by design; a notice on the job gives the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The hub does not support an option: the job fails with the reason."""

    reason: str


Handling = Supported | Ignored | Unsupported


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of one or more job types.

    Attributes:
        flag: Its name, such as "--target_runtime".
        accepted: Description of its possible values, for users.
        parse: Parses the text of the value; raises ValueError with what is wrong, or JobFailure if
            the value is valid but not supported here.
        handling: How the hub handles it, by the job types that take it.
        is_switch: Whether it may be given without a value, which means true. Set to false, it
            requests nothing and is never refused.
        keeps_false: Whether a switch that is set to false differs from one that is left out.
        repeatable: Whether it may be repeated, to add to the mapping that `parse` returns.
    """

    flag: str
    accepted: str
    parse: Callable[[str], Any]
    handling: Mapping[JobTypeName, Handling]
    is_switch: bool = False
    keeps_false: bool = False
    repeatable: bool = False

    @property
    def literals(self) -> list[str]:
        """Those of its possible values that are written as they are described."""
        words = self.accepted.split("|")
        is_pattern = any("=" in word for word in words)
        return [] if is_pattern else [word for word in words if " " not in word]


@dataclass(frozen=True, slots=True)
class Options:
    """The parsed options of a job.

    Attributes:
        values: The values of the supported options, by flag.
        notices: A notice for each option that was ignored, or of which a value was.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)


def parse_options(text: str, kind: JobTypeName, table: Sequence[Option]) -> Options:
    """Parse a job's options, `--flag value` or `--flag=value`, quoted as in a shell.

    Of an option that is given more than once, the last value counts: scripts append to the options
    that others have built.

    Args:
        text: The options as submitted.
        kind: The job type.
        table: All options that exist.

    Returns:
        The parsed options.

    Raises:
        JobFailure: An option is unknown, malformed, or not supported here.
    """
    known = {option.flag: option for option in table}
    result = Options()
    for flag, value in _parse_values(text, kind, known, result.notices).items():
        if known[flag].is_switch and value is False and not known[flag].keeps_false:
            continue
        rule = known[flag].handling[kind]
        if isinstance(rule, Unsupported):
            reason = f"This hub does not support {flag}: {rule.reason}."
            raise JobFailure(FailureType.UNSUPPORTED, reason)
        if isinstance(rule, Ignored):
            message = f"The option {flag} was ignored: {rule.reason}."
            result.notices.append(build_notice("INFO", "USER", message))
        else:
            result.values[flag] = value
    return result


def _parse_values(
    text: str, kind: JobTypeName, known: Mapping[str, Option], notices: list[dict[str, str]]
) -> dict[str, Any]:
    """Return the values of all options that were given, by flag, and add notices."""
    switches = [option.flag for option in known.values() if option.is_switch]
    try:
        given = parse_option_string(text, switches)
    except OptionStringError as error:
        raise _invalid_argument(
            f"The options cannot be parsed ({error}): {quote_name(text, 1000)}. Quote values as in "
            "a shell."
        ) from None
    values: dict[str, Any] = {}
    for flag, value in given:
        option = known.get(flag)
        if option is None or kind not in option.handling:
            raise _invalid_argument(_describe_unknown_option(flag, kind, known))
        if value is None and option.is_switch:
            value = "true"  # noqa: PLW2901
        if not value or value.startswith("--"):
            raise _invalid_argument(f"The option {flag!r} needs a value: {option.accepted}.")
        try:
            read = option.parse(value)
            if option.repeatable and flag in values:
                read = _merge_settings(values[flag], read)
            elif values.get(flag, read) != read:
                message = (
                    f"The option {flag} is given more than once: its last value counts, which is "
                    f"{quote_name(value)}."
                )
                notices.append(build_notice("WARNING", "USER", message))
            values[flag] = read
        except ValueError as error:
            raise _invalid_argument(
                f"The option {flag!r} cannot be {quote_name(value, 1000)}: {error}"
                f"{did_you_mean(value, option.literals)} "
                f"Supported: {flag} ({option.accepted})."
            ) from None
    return values


def _merge_settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(f"{key} is given twice, with different values.")
    return {**first, **second}


def _describe_unknown_option(flag: str, kind: JobTypeName, known: Mapping[str, Option]) -> str:
    """Tell what is wrong with an option that a job type does not take, and what it takes."""
    option = known.get(flag)
    if option is not None:
        kinds = " and ".join(option.handling)
        return f"The option {flag!r} is for {kinds} jobs, not for {kind} jobs: leave it out here."
    taken = {name: each for name, each in known.items() if kind in each.handling}
    what = "The option" if flag.startswith("-") else "In the options, the text"
    problem = f"{what} {quote_name(flag, 1000)} is not supported by this hub."
    if flag.startswith("-") and len(flag.split()) > 1:
        return f"{problem} Quotes make it a single word: leave them out."
    close = did_you_mean(flag, taken)
    if close:
        return f"{problem}{close}"
    supported = "; ".join(
        f"{name} ({each.accepted})"
        for name, each in taken.items()
        if isinstance(each.handling[kind], Supported)
    )
    return f"{problem} Supported: {supported or 'none'}."


def _invalid_argument(reason: str) -> JobFailure:
    return JobFailure(FailureType.INVALID_ARGUMENT, reason)
