"""What is commonly mistyped on a command line, and what to write instead."""

import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import click

from qai_hub.closest import did_you_mean

__all__ = [
    "Choice",
    "advise_on_unknown_option",
    "check_option_values",
    "check_repetitions",
    "describe_extra_arguments",
]

_QUOTES = "Put a value with blanks in quotes"


class Choice(click.Choice[str]):
    """One of some words, in upper or lower case; the closest is named for one that is none.

    Args:
        words: The words.
    """

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(words, case_sensitive=False)

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:
        """Returns the message for another word."""
        text = str(value)
        longer = [word for word in self.choices if text and word.startswith(text.lower())]
        near = did_you_mean(longer[0] if len(longer) == 1 else text, self.choices)
        return f"{super().get_invalid_choice_message(value, ctx)}{near}"


@dataclass(frozen=True)
class _Word:
    """A word of a command line.

    Attributes:
        text: The word.
        option: The option whose value it is; None if it is none, or has the name in it.
        name: The name by which that option was given.
    """

    text: str
    option: click.Option | None = None
    name: str = ""


def check_option_values(
    context: click.Context, args: Sequence[str], allowed: Collection[str] = ()
) -> None:
    """Refuses values that are most likely not meant as such.

    Args:
        context: The run of the command.
        args: Its arguments.
        allowed: Names of options that may be values nevertheless.

    Raises:
        click.UsageError: The name of an option stands where a value is missing, or the options of a
            job are not in quotes.
    """
    known = _options_by_name(context)
    words = _read(known, args)
    for index, word in enumerate(words):
        if word.option is None:
            continue
        if word.text in known and word.text not in allowed:
            raise click.UsageError(
                f"{word.name} needs a value, and {word.text} is an option of this command. If it "
                f"is the value, write {word.name}={word.text}.",
                context,
            )
        if _is_job_options(word.option) and _takes_value(word.text):
            _, run = _run_after(words, index)
            if run:
                quoted = _quote([word.text, words[run[0]].text])
                raise click.UsageError(
                    f"{word.name} takes one value. {_QUOTES}: {word.name} {quoted}.", context
                )


def check_repetitions(context: click.Context, args: Sequence[str]) -> None:
    """Refuses an option that is given twice with different values, of which one would be lost.

    Raises:
        click.UsageError: There is one.
    """
    known = _options_by_name(context)
    given: dict[str, str] = {}
    for word in _read(known, args):
        option, text = word.option, word.text
        if option is None:
            name, equals, text = text.partition("=")
            option = known.get(name) if equals and name.startswith("--") else None
        if option is None or option.multiple or option.is_flag or not option.expose_value:
            continue
        if given.setdefault(option.opts[-1], text) != text:
            raise click.UsageError(
                # Its values may be secrets.
                f"{option.opts[0]} is given twice with different values: give it once.",
                context,
            )


def advise_on_unknown_option(
    error: click.NoSuchOption, context: click.Context, args: Sequence[str]
) -> click.UsageError:
    """Returns the error for an option that does not exist: it may be one of the job."""
    name = error.option_name
    known = _options_by_name(context)
    place = next((each for each in known.values() if _is_job_options(each)), None)
    flags = _job_option_flags()
    # Those of jobs are spelt with underscores, those of the command with hyphens.
    flag = f"--{name.removeprefix('--').replace('-', '_')}"
    if place is None or flag not in flags:
        return error
    index = next(i for i, arg in enumerate(args) if arg.partition("=")[0] == name)
    parts = [args[index].replace(name, flag, 1)]
    following = args[index + 1 : index + 2]
    if "=" not in args[index] and not flags[flag] and following and following[0] not in known:
        parts += following
    return click.UsageError(
        f"{name} is an option of the job, not of this command: write {place.opts[0]} "
        f"{_quote(parts)}.",
        context,
    )


def describe_extra_arguments(context: click.Context, args: Sequence[str]) -> str:
    """Says which arguments are too many, and how to write them as one value if they may be."""
    extra = context.args
    known = _options_by_name(context)
    words = _read(known, args)
    # Extra arguments are the last ones, wherever options stand between them.
    plain = [index for index, word in enumerate(words) if _is_plain(word)]
    first = plain[-len(extra)] if len(plain) >= len(extra) else len(words)
    text = f"Too many arguments: {', '.join(map(repr, extra))}"
    runs = (_run_after(words, index) for index, word in enumerate(words) if word.option)
    for word, run in runs:
        # What follows the value of an option up to the first extra argument may belong to it.
        if run and any(index >= first for index in run):
            parts = [word.text, *(words[index].text for index in run)]
            return f"{text}. {_QUOTES}: {word.name} {_quote(parts)}."
    arguments = [each for each in context.command.params if isinstance(each, click.Argument)]
    if not arguments:
        return f"{text}. {context.command_path} takes options alone."
    if arguments[-1].name == "name" and plain:
        values = [words[index].text for index in plain[len(arguments) - 1 :]]
        return f"{text}. {_QUOTES}: {context.command_path} ... {_quote(values)}."
    taken = ", then ".join(f"one {each.make_metavar(context).strip('[]')}" for each in arguments)
    return f"{text}. {context.command_path} takes {taken}."


def _options_by_name(context: click.Context) -> dict[str, click.Option]:
    return {
        name: option
        for option in context.command.get_params(context)
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }


def _read(known: dict[str, click.Option], args: Sequence[str]) -> list[_Word]:
    """Returns the words of a command line, and whose values they are."""
    words: list[_Word] = []
    owner: tuple[click.Option, str] | None = None
    for index, arg in enumerate(args):
        if owner is not None:
            words.append(_Word(arg, *owner))
            owner = None
            continue
        if arg == "--":
            # After it, options are arguments; it is none itself.
            words += [_Word(each) for each in args[index + 1 :]]
            break
        words.append(_Word(arg))
        option = known.get(arg)
        if option is None or option.is_flag or option.count:
            continue
        following = args[index + 1 : index + 2]
        if not (_is_value_optional(option) and following and following[0].startswith("-")):
            owner = option, arg
    return words


def _is_value_optional(option: click.Option) -> bool:
    # As for --json, whose value without one is that of no names.
    return isinstance(option.flag_value, tuple)


def _is_plain(word: _Word) -> bool:
    return word.option is None and (word.text == "-" or not word.text.startswith("-"))


def _run_after(words: list[_Word], index: int) -> tuple[_Word, list[int]]:
    """Returns a word, and the indices of the arguments that follow it directly."""
    run = []
    for each in range(index + 1, len(words)):
        if not _is_plain(words[each]):
            break
        run.append(each)
    return words[index], run


def _is_job_options(option: click.Option) -> bool:
    return option.opts[0].endswith("options")


def _job_option_flags() -> dict[str, bool]:
    """Returns the options that jobs have, and whether each may stand without a value."""
    from qai_hub.local.engine.option_table import OPTIONS

    return {option.flag: option.is_switch for option in OPTIONS}


def _takes_value(text: str) -> bool:
    return text.startswith("--") and _job_option_flags().get(text) is False


def _quote(parts: Sequence[str]) -> str:
    text = " ".join(parts)
    return f'"{text}"' if not set(text) & set('"$`\\!') else shlex.quote(text)
