"""The option string of a job: `--name value` or `--name=value`, quoted as in a shell.

Client and local hub both parse option strings with this module. The service defines which options
there are and what their values mean: the local hub's table is in
`qai_hub/local/engine/option_table`.
"""

import re
import shlex
from collections.abc import Collection
from typing import NamedTuple

__all__ = [
    "OPTIMIZATION_LEVEL",
    "QAIRT_VERSION",
    "QNN_OPTIONS",
    "TARGET_RUNTIME",
    "GivenOption",
    "OptionStringError",
    "option_values",
    "parse_option_string",
]

TARGET_RUNTIME = "--target_runtime"
QNN_OPTIONS = "--qnn_options"
QAIRT_VERSION = "--qairt_version"
OPTIMIZATION_LEVEL = "-O"

# The one option that is written as compilers have it, with its value in the same word.
_LEVEL = re.compile(rf"({OPTIMIZATION_LEVEL})([0-9]+)")


class OptionStringError(ValueError):
    """A string cannot be split into options; the message says why, as in "No closing quotation"."""


class GivenOption(NamedTuple):
    """One option of an option string.

    Attributes:
        name: Name with the dashes, such as `"--target_runtime"`. A word in the place of a name that
            does not begin with a dash is kept whole here.
        value: Value as a string; None if there is none, empty after a bare `=`.
    """

    name: str
    value: str | None


def parse_option_string(text: str, switches: Collection[str] = ()) -> list[GivenOption]:
    """Splits an option string into options.

    The value of an option is what follows `=`, or else the next word unless that begins with `--`
    or is a level. That of `-O` follows at once, as in `-O2`.

    Args:
        text: The options, as on a command line.
        switches: Names of options that need no value. The next word is their value only if it is
            "true" or "false", in upper or lower case.

    Returns:
        The options in order, including repeated ones.

    Raises:
        OptionStringError: If a quotation is not closed, or nothing follows a backslash.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise OptionStringError(str(error)) from None
    words.reverse()
    options = []
    while words:
        word = words.pop()
        if not word.startswith("-"):
            options.append(GivenOption(word, None))
            continue
        level = _LEVEL.fullmatch(word)
        if level:
            options.append(GivenOption(level[1], level[2]))
            continue
        name, equals, value = word.partition("=")
        if equals:
            options.append(GivenOption(name, value))
        elif words and _is_value(words[-1], name in switches):
            options.append(GivenOption(name, words.pop()))
        else:
            options.append(GivenOption(name, None))
    return options


def option_values(name: str, options: Collection[GivenOption]) -> list[str | None]:
    """Returns the values that were given to one option, in order.

    Args:
        name: Name of the option, such as `"--target_runtime"`.
        options: All given options.

    Returns:
        One value for each occurrence of the option; None for an occurrence without a value.
    """
    return [option.value for option in options if option.name == name]


def _is_value(word: str, of_switch: bool) -> bool:
    if of_switch:
        return word.lower() in {"true", "false"}
    return not (word.startswith("--") or _LEVEL.fullmatch(word))
