"""How results are printed: as a table or a record for people, or as JSON, TSV or identifiers.

Results go to standard output, and everything else to standard error.
"""

import itertools
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from qai_hub.cli.common import print_info, print_line, print_styled
from qai_hub.cli.invocation import Invocation
from qai_hub.cli.slips import Choice
from qai_hub.closest import closest_names
from qai_hub.display.text import escape_commands, for_logs, format_bytes, one_line

if TYPE_CHECKING:
    from rich.table import Table

FORMATS = ("human", "json", "jsonl", "tsv", "quiet")

# Rows of a table whose widths are found together; longer lists are printed in blocks of it.
_BLOCK = 100

F = TypeVar("F", bound=Callable[..., Any])

# Between the columns of a table.
_GAP = 2

# Below this, a column of a table tells nothing any more.
_NARROWEST = 8

_TSV_SIGNS = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
# What commands a CI runner at the start of a value, which may start a line, and anywhere.
_RUNNER_COMMAND = re.compile(r"^( *):(?=:)|#(?=#\w*\[)")


@dataclass(frozen=True)
class Field:
    """A field of a result.

    Attributes:
        name: Name in JSON and for `--fields`.
        get: Returns its value.
        show: Returns what people see in place of the value; None for the value.
        in_table: Whether lists show it to people; records show all fields.
        style: Returns rich's style for a value, such as `"red"`.
        keep_whole: Whether a table never shortens it.
        is_detail: Whether it is known of whole items only, and not of their summaries.
        only_named: Whether it is printed if it is named only: it takes a request for each item.
        least: How wide a table leaves it, if another column can go instead.
        spare: Whether a table can go without it where there is no room: the largest goes first,
            and 0 never.
    """

    name: str
    get: Callable[[Any], object]
    in_table: bool = True
    style: Callable[[object], str] | None = None
    keep_whole: bool = False
    is_detail: bool = False
    only_named: bool = False
    show: Callable[[Any], object] | None = None
    least: int = _NARROWEST
    spare: int = 0

    def get_shown(self, item: object) -> object:
        """Returns what people see of an item."""
        return (self.show or self.get)(item)


def size_field(name: str, get: Callable[[Any], int | None], *, spare: int = 0) -> Field:
    """Returns a field that is a number of bytes, which people see with a unit.

    Args:
        name: Its name.
        get: Returns the number of an item, or None.
        spare: As in `Field`.
    """

    def show(item: object) -> str | None:
        size = get(item)
        return None if size is None else format_bytes(size)

    return Field(name, get, show=show, spare=spare)


def output_options(fields: Sequence[Field]) -> Callable[[F], F]:
    """Adds `--format`, `--quiet`, `--fields` and `--json` to a command.

    Args:
        fields: The fields that `--fields` can name.
    """
    names = [each.name for each in fields]

    def add(command: F) -> F:
        for option in (
            click.option(
                "--fields",
                metavar="NAMES",
                type=_FieldNames(names),
                expose_value=False,
                callback=_set_fields,
                help=f"Print these fields, separated by commas, of {', '.join(names)}.",
            ),
            click.option(
                "--json",
                metavar="[NAMES]",
                type=_FieldNames(names),
                is_flag=False,
                flag_value=(),
                expose_value=False,
                callback=_set_json,
                help="The same as JSON; without NAMES, all fields that take no further request.",
            ),
            click.option(
                "-q",
                "--quiet",
                is_flag=True,
                expose_value=False,
                callback=_set_quiet,
                help="Print identifiers only, and no progress.",
            ),
            click.option(
                "--format",
                type=Choice(FORMATS),
                expose_value=False,
                callback=_set_format,
                help="How to print. By default for people on a terminal; in a pipe, lists and "
                "what --fields names as TSV.",
            ),
        ):
            command = option(command)
        return command

    return add


layout_option = click.option(
    "--format",
    "layout",
    type=Choice(("human", "json")),
    default="human",
    show_default=True,
    help="How to print.",
)
"""`--format` of a command whose result is a report, not a list or a record."""


class _FieldNames(click.ParamType[tuple[str, ...]]):
    """Names of fields, separated by commas."""

    name = "names"

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's signature
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        if not value:
            return ()
        names = tuple(name.strip() for name in value.split(","))
        for name in names:
            if name not in self._known:
                hint = self._explain(value, param, ctx)
                self.fail(
                    f"There is no field {name!r}.{hint} The fields are {', '.join(self._known)}.",
                    param,
                    ctx,
                )
        return names

    def _explain(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Says where to write an argument of the command; empty if fields seem to be meant."""
        is_optional = isinstance(param, click.Option) and param.flag_value == ()
        arguments = [
            each for each in (ctx.command.params if ctx else ()) if isinstance(each, click.Argument)
        ]
        if not is_optional or not arguments or "," in value or closest_names(value, self._known):
            return ""
        meant = arguments[0].human_readable_name.strip("[].")
        return f" If it is the {meant} of the command, write it before the option."

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        before, comma, start = incomplete.rpartition(",")
        given = before.split(",")
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in self._known
            if name.startswith(start) and name not in given
        ]


def print_rows(
    invocation: Invocation,
    items: Iterable[Any],
    fields: Sequence[Field],
    empty: str | None = None,
) -> None:
    """Prints a list, as it arrives.

    Args:
        invocation: The run of the command.
        items: The items of the list.
        fields: What to print of each. The first is its identifier.
        empty: What to tell people if there are no items; None if they know.
    """
    kind = _list_format(invocation)
    selected = select_list_fields(invocation, fields)
    if kind == "quiet":
        for item in items:
            print_line(_flat(selected[0].get(item)))
    elif kind == "jsonl":
        for item in items:
            print_line(to_json(_to_object(item, selected)))
    elif kind == "json":
        _print_array(_to_object(item, selected) for item in items)
    elif kind == "tsv":
        for item in items:
            print_styled(_to_tsv(item, selected))
    else:
        _print_table(items, selected, empty, chosen=invocation.fields is not None)


def print_record(invocation: Invocation, item: object, fields: Sequence[Field]) -> None:
    """Prints one item.

    Args:
        invocation: The run of the command.
        item: The item.
        fields: Its fields. The first is its identifier.
    """
    # Who names fields in a pipe wants their values.
    is_for_script = invocation.fields is not None and not is_terminal()
    kind = invocation.format or ("tsv" if is_for_script else "human")
    selected = select_fields(invocation, fields, all_by_default=True)
    if kind == "quiet":
        print_line(_flat(fields[0].get(item)))
    elif kind == "json":
        print_line(to_json(_to_object(item, selected), indent=2))
    elif kind == "jsonl":
        print_line(to_json(_to_object(item, selected)))
    elif kind == "tsv":
        print_styled(_to_tsv(item, selected))
    else:
        _print_pairs(item, selected)


def select_list_fields(invocation: Invocation, fields: Sequence[Field]) -> list[Field]:
    """Returns the fields that a list prints."""
    kind = _list_format(invocation)
    if kind == "quiet":
        return [fields[0]]
    # In columns, lists select fields; objects have all of them.
    return select_fields(invocation, fields, all_by_default=kind in {"json", "jsonl"})


def _list_format(invocation: Invocation) -> str:
    return invocation.format or ("human" if is_terminal() else "tsv")


def select_fields(
    invocation: Invocation, fields: Sequence[Field], *, all_by_default: bool
) -> list[Field]:
    """Returns the fields to print."""
    if invocation.fields is None:
        usual = [each for each in fields if not each.only_named]
        return [each for each in usual if all_by_default or each.in_table]
    known = {each.name: each for each in fields}
    return [known[name] for name in invocation.fields]


def is_terminal() -> bool:
    """Returns whether standard output is a terminal."""
    try:
        return sys.stdout is not None and sys.stdout.isatty()
    except ValueError:
        return False


def to_json(value: object, indent: int | None = None) -> str:
    """Formats a value as JSON that neither steers a terminal nor commands a CI runner."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=_to_plain)
    return escape_commands("".join(map(_escape_json, text)))


def _print_array(objects: Iterator[object]) -> None:
    separator = "["
    for each in objects:
        # Before each object, so that none is held back until the next one is known.
        print_line(f"{separator} {to_json(each)}")
        separator = ","
    print_line("[]" if separator == "[" else "]")


def _print_table(
    items: Iterable[Any], fields: Sequence[Field], empty: str | None, *, chosen: bool
) -> None:
    rows = iter(items)
    block = list(itertools.islice(rows, _BLOCK))
    if not block:
        if empty is not None:
            print_info(empty)
        return
    from rich.console import Console

    # As everywhere, a width of 0 in COLUMNS or of the terminal is one that is not known.
    room = shutil.get_terminal_size().columns if is_terminal() else None
    console = Console(width=room or 1, markup=False, highlight=False, emoji=False)
    layout = _lay_out(block, fields, room, chosen=chosen)
    header = True
    while block:
        # What rich knows of a stream ends at its encoding: the lines go the way of all lines.
        with console.capture() as captured:
            console.print(_make_table(block, layout, header=header), crop=False)
        for line in captured.get().splitlines():
            print_styled(line.rstrip())
        block = list(itertools.islice(rows, _BLOCK))
        layout = layout.widen(block)
        header = False


@dataclass(frozen=True)
class _Layout:
    """How a table is printed.

    Attributes:
        fields: Its columns.
        brief: Whether times are without their year and seconds.
        widths: Widths of the columns.
    """

    fields: Sequence[Field]
    brief: bool
    widths: list[int]

    def get_cells(self, items: list[Any]) -> list[list[str]]:
        """Returns the texts of each row."""
        return [[self._get_cell(each.get_shown(item)) for each in self.fields] for item in items]

    def widen(self, items: list[Any]) -> "_Layout":
        """Returns the layout of a further block, wider only where nothing may be shortened."""
        wanted = self.measure(items)
        widths = [
            max(width, more) if each.keep_whole else width
            for each, width, more in zip(self.fields, self.widths, wanted, strict=True)
        ]
        return replace(self, widths=widths)

    def measure(self, items: list[Any]) -> list[int]:
        """Returns the widths at which nothing is shortened."""
        from rich.cells import cell_len

        cells = self.get_cells(items)
        return [
            max([len(each.name), *(cell_len(row[index]) for row in cells)])
            for index, each in enumerate(self.fields)
        ]

    def _get_cell(self, value: object) -> str:
        if self.brief and isinstance(value, datetime):
            return value.astimezone().strftime("%m-%d %H:%M")
        return _flat(value)


def _lay_out(
    items: list[Any], fields: Sequence[Field], room: int | None, *, chosen: bool
) -> _Layout:
    """Finds a layout that fits: at first times get brief, then columns go, then texts are cut.

    Args:
        items: The first rows.
        fields: The columns.
        room: Width of the terminal; None if there is no limit.
        chosen: Whether the user named the columns, so that each is shown as it is.
    """
    spare = sorted((each for each in fields if each.spare), key=lambda each: -each.spare)
    layouts = [_Layout(fields, False, [])]
    if not chosen:
        layouts += [
            _Layout([each for each in fields if each not in spare[:count]], True, [])
            for count in range(len(spare) + 1)
        ]
    for layout in layouts:
        wanted = layout.measure(items)
        least = _find_least(layout.fields, wanted)
        if room is None or _total(least) <= room:
            break
    else:
        least = _find_least(layout.fields, wanted, _NARROWEST)
    return replace(layout, widths=wanted if room is None else _shorten(wanted, least, room))


def _find_least(
    fields: Sequence[Field], wanted: list[int], narrowest: int | None = None
) -> list[int]:
    return [
        width if each.keep_whole else min(width, narrowest or each.least)
        for each, width in zip(fields, wanted, strict=True)
    ]


def _total(widths: list[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _shorten(widths: list[int], least: list[int], room: int) -> list[int]:
    """Returns the widths of columns; the widest give way until a line fits, as far as possible."""
    shortened = [*widths]
    for _ in range(_total(widths) - room):
        if shortened == least:
            break
        index = max(
            (index for index, width in enumerate(shortened) if width > least[index]),
            key=shortened.__getitem__,
        )
        shortened[index] -= 1
    return shortened


def _make_table(items: list[Any], layout: _Layout, *, header: bool) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        show_header=header,
        header_style="bold",
        width=_total(layout.widths),
    )
    for each, width in zip(layout.fields, layout.widths, strict=True):
        table.add_column(
            each.name.replace("_", " ").upper(),
            no_wrap=True,
            overflow="ellipsis",
            width=width,
        )
    for item, row in zip(items, layout.get_cells(items), strict=True):
        table.add_row(
            *(
                Text(text, style=each.style(each.get(item)) if each.style else "")
                for each, text in zip(layout.fields, row, strict=True)
            )
        )
    return table


def _print_pairs(item: object, fields: Sequence[Field]) -> None:
    width = max(len(each.name) for each in fields) + 2
    for each in fields:
        value = each.get_shown(item)
        if value is None or value in ("", [], {}):
            continue
        label = f"{each.name.replace('_', ' ')}".ljust(width)
        lines = _lines(value)
        for index, line in enumerate(lines):
            print_line(f"{label if index == 0 else ' ' * width}{line}")


def _lines(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{_flat(key)}: {_flat(each)}" for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [_flat(each) for each in value]
    return [_flat(value)]


def _flat(value: object) -> str:
    """Returns a value as one line of text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Mapping):
        return ", ".join(f"{_flat(key)}: {_flat(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_flat, value))
    return for_logs(one_line(str(value)))


def _to_object(item: object, fields: Sequence[Field]) -> dict[str, object]:
    return {each.name: each.get(item) for each in fields}


def _to_plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, Mapping):
        return {str(key): each for key, each in value.items()}
    return str(value)


def _to_tsv(item: object, fields: Sequence[Field]) -> str:
    return "\t".join(_escape_tsv(each.get(item)) for each in fields)


def _escape_tsv(value: object) -> str:
    """Returns a value as a cell, from which it can be read back, and which is safe to print.

    A character that the encoding of standard output lacks is written in the same form in the end.
    """
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, Mapping | list | tuple):
        return to_json(value)
    text = "" if value is None else _flat(value) if isinstance(value, bool) else str(value)
    return _RUNNER_COMMAND.sub(_number_last, "".join(map(_escape_tsv_sign, text)))


def _escape_tsv_sign(sign: str) -> str:
    if sign in _TSV_SIGNS:
        return _TSV_SIGNS[sign]
    return sign if sign.isprintable() else _number(sign)


def _number(sign: str) -> str:
    code = ord(sign)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _number_last(found: re.Match[str]) -> str:
    return f"{found[0][:-1]}{_number(found[0][-1])}"


def _escape_json(sign: str) -> str:
    return sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1]


def _set_format(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    invocation = ctx.ensure_object(Invocation)
    if invocation.format not in (None, value):
        if "quiet" in (invocation.format, value):
            raise click.UsageError("-q prints identifiers only: give it without --format.", ctx)
        raise click.UsageError("--json is a format: give it without --format.", ctx)
    invocation.format = value
    _check_fields(ctx, invocation)


def _set_quiet(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        _set_format(ctx, parameter, "quiet")


def _set_fields(ctx: click.Context, _: click.Parameter, value: tuple[str, ...] | None) -> None:
    if value is not None:
        invocation = ctx.ensure_object(Invocation)
        invocation.fields = value
        _check_fields(ctx, invocation)


def _set_json(
    ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...] | None
) -> None:
    if value is not None:
        _set_format(ctx, parameter, "json")
        _set_fields(ctx, parameter, value or None)


def _check_fields(ctx: click.Context, invocation: Invocation) -> None:
    if invocation.is_quiet and invocation.fields is not None:
        raise click.UsageError("-q prints identifiers only: give it without --fields.", ctx)
