"""Commands and groups of commands: loaded when needed, with examples and did-you-mean."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

import click

from qai_hub.cli.common import is_unicode
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.slips import (
    advise_on_unknown_option,
    check_option_values,
    check_repetitions,
    describe_extra_arguments,
)
from qai_hub.closest import did_you_mean

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


# Of a sentence, in characters.
_ANY_LENGTH = 1000

# What people try that know the official command or others.
_MEANT = {
    "submit-quantize-job": "submit quantize",
    "upload-dataset": "dataset upload",
    "list-jobs": "job list",
    "login": "configure",
    "compile": "submit compile",
    "profile": "submit profile",
    "inference": "submit inference",
    "quantize": "submit quantize",
    "link": "submit link",
}
# Verbs of other commands, by what they are called here.
_VERBS = {"ls": "list", "ps": "list", "get": "show", "inspect": "show", "rm": "delete"}


class Example(NamedTuple):
    """An example in a help text.

    Attributes:
        text: What it does.
        command: The command line, without `qai-hub`.
    """

    text: str
    command: str


# Parameters that may name a file, whose name may be any bytes.
_FILES = frozenset(
    {"calibration_data", "inputs", "model", "models", "output", "path", "token_file", "users_file"}
)


def _check_texts(ctx: click.Context) -> None:
    """Refuses values that cannot be sent, since they are no text.

    Raises:
        click.BadParameter: There is one. Its value is not shown, as it may be secret.
    """
    for parameter in ctx.command.params:
        is_path = parameter.name in _FILES or isinstance(parameter.type, click.Path)
        if not is_path and not all(
            map(is_unicode, _texts_in(ctx.params.get(parameter.name or "")))
        ):
            raise click.BadParameter("it is not UTF-8 text.", ctx, parameter)


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts_in([*value.items()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts_in(each)


class ReaderGoneError(Exception):
    """Whoever reads the output has read enough."""


@contextmanager
def _ending_with_reader() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        # click would exit with 1.
        raise ReaderGoneError from error


class _WithWholeSummary(click.Command):
    """A command whose line in a list is the first sentence of its help, however long that is."""

    def get_short_help_str(self, limit: int = _ANY_LENGTH) -> str:
        """Returns the sentence, which lists wrap; click would cut it at the limit."""
        return super().get_short_help_str(max(limit, _ANY_LENGTH))


class HubCommand(_WithWholeSummary):
    """A command whose help ends with examples, and which takes the options that all have.

    Args:
        examples: Pairs of what an example does and its command line without `qai-hub`.
    """

    takes_last_value = False
    """Whether the last value counts of an option that is given twice; otherwise it is an error."""

    values_like_options: Collection[str] = ()
    """Names of options of the command that may be values of others as well."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - what click takes
        examples: Sequence[tuple[str, str]] = (),
        **settings: Any,  # noqa: ANN401 - what click takes
    ) -> None:
        settings["context_settings"] = CONTEXT_SETTINGS | (settings.get("context_settings") or {})
        super().__init__(*args, **settings)
        self.examples = [Example(*each) for each in examples]
        self.params += make_common_options(self.params)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the arguments, or says what to write instead."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        given = [*args]
        check_option_values(ctx, given, self.values_like_options)
        if not self.takes_last_value:
            check_repetitions(ctx, given)
        # click would refuse them in other words.
        takes_more, ctx.allow_extra_args = ctx.allow_extra_args, True
        try:
            rest = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise advise_on_unknown_option(error, ctx, given) from error
        ctx.allow_extra_args = takes_more
        if rest and not takes_more:
            raise click.UsageError(describe_extra_arguments(ctx, given), ctx)
        _check_texts(ctx)
        return rest

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples after the options."""
        super().format_epilog(ctx, formatter)
        _write_examples(formatter, self.examples)


class HubGroup(_WithWholeSummary, click.Group):
    """A group of commands that suggests the nearest name for one that does not exist."""

    command_class = HubCommand

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - what click takes
        examples: Sequence[tuple[str, str]] = (),
        **settings: Any,  # noqa: ANN401 - what click takes
    ) -> None:
        settings["context_settings"] = CONTEXT_SETTINGS | (settings.get("context_settings") or {})
        settings.setdefault("no_args_is_help", True)
        super().__init__(*args, **settings)
        self.examples = [Example(*each) for each in examples]
        self.params += make_common_options(self.params)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the arguments; `help` before the name of a command is its `--help`."""
        if args and args[0] == "help":
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, or says which ones have a similar name."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = self._find_meant(ctx, args[0]) or did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"There is no command {args[0]!r}.{near}", ctx)
        return super().resolve_command(ctx, args)

    def _find_meant(self, ctx: click.Context, name: str) -> str:
        """Says what to write for a command that goes by this name elsewhere; empty if none does."""
        verb = _VERBS.get(name)
        if verb in self.list_commands(ctx):
            return f" Write `{ctx.command_path} {verb}`."
        meant = _MEANT.get(name.replace("_", "-")) if ctx.parent is None else None
        return f" Write `qai-hub {meant}`." if meant else ""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the examples after the commands."""
        super().format_epilog(ctx, formatter)
        _write_examples(formatter, self.examples)


class LazyEntry(NamedTuple):
    """A command that is imported when it is called.

    Attributes:
        place: `module:attribute`.
        section: The heading under which it is listed.
        summary: Its line in the list of commands.
    """

    place: str
    section: str
    summary: str


class LazyGroup(HubGroup):
    """A group that lists its commands without importing them.

    Args:
        entries: The commands by name.
    """

    def __init__(self, *args: Any, entries: dict[str, LazyEntry], **settings: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **settings)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the names, in the order of the help text."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports a command."""
        if cmd_name not in self.entries:
            return None
        module, _, attribute = self.entries[cmd_name].place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - what click takes
    ) -> click.Context:
        """Reads the arguments, which prints the help or the version.

        Raises:
            ReaderGoneError: The reader of its output has closed the pipe.
        """
        with _ending_with_reader():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Calls the command.

        Raises:
            ReaderGoneError: The reader of its output has closed the pipe.
        """
        with _ending_with_reader():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands, by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.entries.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        width = max(map(len, self.entries))
        for title, rows in sections.items():
            with formatter.section(title):
                padded = [(name.ljust(width), summary) for name, summary in rows]
                formatter.write_dl(padded, col_max=width + formatter.indent_increment)


def make_common_options(own: Iterable[click.Parameter] = ()) -> list[click.Parameter]:
    """Returns the options that each command takes, before and after its name.

    Args:
        own: The command's own parameters, whose names the common options leave to it.
    """
    taken = {name for each in own for name in (*each.opts, *each.secondary_opts)}

    def option(*names: str, **settings: Any) -> click.Option:  # noqa: ANN401 - what click takes
        free = [name for name in names if name not in taken]
        return click.Option(free, expose_value=False, **settings)

    return [
        option(
            "--profile",
            metavar="NAME",
            callback=_set_profile,
            shell_complete=_complete_profiles,
            help="The profile: a file ~/.qai_hub/NAME.ini.",
        ),
        option(
            "-v",
            "--verbose",
            is_flag=True,
            callback=_set_verbose,
            help="Log requests on standard error.",
        ),
        option(
            "--debug", is_flag=True, callback=_set_debug, help="Show the traceback of an error."
        ),
    ]


def _set_profile(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Invocation).profile = value


def _set_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.ensure_object(Invocation).log_requests()


def _set_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Invocation).debug = True


def _complete_profiles(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> Iterable[Any]:
    from qai_hub.cli.completion import complete_profiles

    return complete_profiles(ctx, parameter, incomplete)


def _write_examples(formatter: click.HelpFormatter, examples: list[Example]) -> None:
    if not examples:
        return
    with formatter.section("Examples"):
        for index, example in enumerate(examples):
            if index:
                formatter.write_paragraph()
            formatter.write_text(f"# {example.text}")
            # A command line is not wrapped: it would not work when copied.
            formatter.write(f"{'':>{formatter.current_indent}}qai-hub {example.command}\n")
