"""The options of a job, as a text: `--name value` or `--name=value`, quoted as in a shell.

Client and local hub read such texts by this module alone. Which options there are, and what their
values mean, is the service's to say: the local hub's table is `qai_hub/local/engine/option_table`.
"""

import shlex
from collections.abc import Collection
from typing import NamedTuple

__all__ = [
    "QNN_OPTIONS",
    "TARGET_RUNTIME",
    "GivenOption",
    "OptionStringError",
    "parse_option_string",
    "values_of",
]

TARGET_RUNTIME = "--target_runtime"
QNN_OPTIONS = "--qnn_options"


class OptionStringError(ValueError):
    """A text cannot be split into options; the message says why, such as "No closing quotation"."""


class GivenOption(NamedTuple):
    """One option as it stands in a text.

    Attributes:
        name: Its name with the dashes, such as `"--target_runtime"`; a word that stands where a
            name should, and does not begin with a dash, is here as a whole.
        value: The text of its value; None where none is given. It is empty after a bare `=`.
    """

    name: str
    value: str | None


def parse_option_string(text: str, switches: Collection[str] = ()) -> list[GivenOption]:
    """Splits a text into the options that it gives.

    The value of an option is what follows `=`, else the next word unless that begins with `--`.

    Args:
        text: The options, as on a command line.
        switches: Names of options that may stand without a value. The next word is theirs only
            if it is "true" or "false", in any case.

    Returns:
        The options in order; one that is repeated comes repeatedly.

    Raises:
        OptionStringError: A quotation is not closed, or nothing follows a backslash.
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
        name, equals, value = word.partition("=")
        if equals:
            options.append(GivenOption(name, value))
        elif words and _is_value(words[-1], name in switches):
            options.append(GivenOption(name, words.pop()))
        else:
            options.append(GivenOption(name, None))
    return options


def values_of(name: str, options: Collection[GivenOption]) -> list[str | None]:
    """Returns the values that were given to one option, in order.

    Args:
        name: Its name, such as `"--target_runtime"`.
        options: All that were given.

    Returns:
        A value for each time that the option was given, None where it stands without one.
    """
    return [option.value for option in options if option.name == name]


def _is_value(word: str, of_switch: bool) -> bool:
    return word.lower() in {"true", "false"} if of_switch else not word.startswith("--")
