"""The options of jobs: a strict reader of the strings that the service takes."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qai_hub.local.execution.failures import FailureType, JobFailure
from qai_hub.local.execution.messages import notice, shortened

JobKind = Literal["compile", "quantize", "link", "inference", "profile"]


@dataclass(frozen=True, slots=True)
class Done:
    """The hub does what an option says, as told in these words."""

    what: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An option changes nothing here, on purpose; a notice on the job tells why."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The hub cannot do what an option says: the job fails, and tells why."""

    why: str


Rule = Done | Ignored | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of one or more kinds of jobs.

    Attributes:
        flag: Its name, such as "--target_runtime".
        takes: What its value may be, for people.
        read: Turns the value's text into what it means; raises ValueError with what is wrong, or
            JobFailure where the value is right but not supported here.
        rules: What becomes of it, by the kinds of jobs that take it.
        switch: Whether it may stand without a value, which means true. Set to false it asks for
            nothing, so that it is never refused.
        repeats: Whether it may be given again, to add to a mapping that `read` gives.
    """

    flag: str
    takes: str
    read: Callable[[str], Any]
    rules: Mapping[JobKind, Rule]
    switch: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What a job's options say.

    Attributes:
        values: What those that are done were given, by their flags.
        notices: A notice for each that was ignored.
    """

    values: dict[str, Any] = field(default_factory=dict)
    notices: list[dict[str, str]] = field(default_factory=list)


def parse_options(text: str, kind: JobKind, table: Sequence[Option]) -> Options:
    """Read a job's options, `--flag value` or `--flag=value`, quoted as in a shell.

    Args:
        text: The options as submitted.
        kind: The kind of the job.
        table: All options that there are.

    Returns:
        What they say.

    Raises:
        JobFailure: Something is unknown, malformed, given twice, or cannot be done here.
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


def _read(text: str, kind: JobKind, known: Mapping[str, Option]) -> dict[str, Any]:
    """Return the values of all options that were given, by their flags."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _invalid(f"The options cannot be read ({error}): {text!r}.", kind, known) from None
    values: dict[str, Any] = {}
    words.reverse()
    while words:
        flag, has_value, value = words.pop().partition("=")
        option = known.get(flag)
        if option is None or kind not in option.rules:
            raise _invalid(_unknown(flag, kind, option), kind, known)
        if not has_value:
            value = _next_value(words, option)
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


def _next_value(words: list[str], option: Option) -> str:
    """Take the value of an option off the words that are left, last one first."""
    if option.switch and (not words or words[-1].lower() not in {"true", "false"}):
        return "true"
    return words.pop() if words else ""


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    for key in first.keys() & second.keys():
        if first[key] != second[key]:
            raise ValueError(f"{key} was given before, with another value.")
    return {**first, **second}


def _unknown(flag: str, kind: JobKind, option: Option | None) -> str:
    if option is not None:
        return f"The option {flag!r} is not one of {kind} jobs, but of {', '.join(option.rules)}."
    what = "The option" if flag.startswith("-") else "In the options, the text"
    return f"{what} {flag!r} is not supported by this hub."


def _invalid(problem: str, kind: JobKind, known: Mapping[str, Option]) -> JobFailure:
    supported = "; ".join(
        f"{option.flag} ({option.takes})"
        for option in known.values()
        if isinstance(option.rules.get(kind), Done)
    )
    reason = f"{problem} Supported: {supported or 'none'}."
    return JobFailure(FailureType.INVALID_ARGUMENT, reason)
