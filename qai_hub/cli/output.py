"""How results are printed: as a table or a record for people, or as JSON, TSV or identifiers.

Results go to standard output, and everything else to standard error.
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from qai_hub.cli.common import print_info, print_line, print_styled
from qai_hub.cli.invocation import Invocation
from qai_hub.display.text import escape_commands, for_logs, one_line

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
    """

    name: str
    get: Callable[[Any], object]
    in_table: bool = True
    style: Callable[[object], str] | None = None
    keep_whole: bool = False
    is_detail: bool = False
    show: Callable[[Any], object] | None = None

    def get_shown(self, item: object) -> object:
        """Returns what people see of an item."""
        return (self.show or self.get)(item)


def output_options(fields: Sequence[Field]) -> Callable[[F], F]:
    """Adds `--format`, `--quiet` and `--fields` to a command.

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
                "-q",
                "--quiet",
                is_flag=True,
                expose_value=False,
                callback=_set_quiet,
                help="Print identifiers only, and no progress.",
            ),
            click.option(
                "--format",
                type=click.Choice(FORMATS),
                expose_value=False,
                callback=_set_format,
                help="How to print. By default for people on a terminal, and lists as TSV in a "
                "pipe.",
            ),
        ):
            command = option(command)
        return command

    return add


layout_option = click.option(
    "--format",
    "layout",
    type=click.Choice(("human", "json")),
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
        names = tuple(name.strip() for name in value.split(","))
        for name in names:
            if name not in self._known:
                self.fail(
                    f"There is no field {name!r}. The fields are {', '.join(self._known)}.",
                    param,
                    ctx,
                )
        return names

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
            print_line("\t".join(_escape_tsv(each.get(item)) for each in selected))
    else:
        _print_table(items, selected, empty)


def print_record(invocation: Invocation, item: object, fields: Sequence[Field]) -> None:
    """Prints one item.

    Args:
        invocation: The run of the command.
        item: The item.
        fields: Its fields. The first is its identifier.
    """
    kind = invocation.format or "human"
    selected = select_fields(invocation, fields, all_by_default=True)
    if kind == "quiet":
        print_line(_flat(fields[0].get(item)))
    elif kind == "json":
        print_line(to_json(_to_object(item, selected), indent=2))
    elif kind == "jsonl":
        print_line(to_json(_to_object(item, selected)))
    elif kind == "tsv":
        print_line("\t".join(_escape_tsv(each.get(item)) for each in selected))
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
        return [each for each in fields if all_by_default or each.in_table]
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


def _print_table(items: Iterable[Any], fields: Sequence[Field], empty: str | None) -> None:
    rows = iter(items)
    block = list(itertools.islice(rows, _BLOCK))
    if not block:
        if empty is not None:
            print_info(empty)
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    widths: list[int] | None = None
    while block:
        cells = [[_flat(each.get_shown(item)) for each in fields] for item in block]
        header = widths is None
        wanted = _find_widths(cells, fields, console.width if is_terminal() else None)
        widths = wanted if widths is None else _keep_whole(widths, wanted, fields)
        # What rich knows of a stream ends at its encoding: the lines go the way of all lines.
        with console.capture() as captured:
            console.print(_make_table(block, cells, fields, widths, header=header), crop=False)
        for line in captured.get().splitlines():
            print_styled(line.rstrip())
        block = list(itertools.islice(rows, _BLOCK))


def _find_widths(
    cells: list[list[str]], fields: Sequence[Field], available: int | None
) -> list[int]:
    """Returns the widths of columns; the widest give way until a line fits, as far as possible."""
    from rich.cells import cell_len

    widths = [
        max(len(each.name), *(cell_len(row[index]) for row in cells))
        for index, each in enumerate(fields)
    ]
    if available is None:
        return widths
    least = [
        width if each.keep_whole else min(width, _NARROWEST)
        for each, width in zip(fields, widths, strict=True)
    ]
    excess = sum(widths) + _GAP * (len(widths) - 1) - available
    while excess > 0 and widths != least:
        index = max(
            (index for index in range(len(widths)) if widths[index] > least[index]),
            key=widths.__getitem__,
        )
        widths[index] -= 1
        excess -= 1
    return widths


def _keep_whole(widths: list[int], wanted: list[int], fields: Sequence[Field]) -> list[int]:
    """Returns the widths of a further block, wider only where nothing may be shortened."""
    return [
        max(width, more) if each.keep_whole else width
        for each, width, more in zip(fields, widths, wanted, strict=True)
    ]


def _make_table(
    items: list[Any],
    cells: list[list[str]],
    fields: Sequence[Field],
    widths: list[int],
    *,
    header: bool,
) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        show_header=header,
        header_style="bold",
        width=sum(widths) + _GAP * (len(widths) - 1),
    )
    for each, width in zip(fields, widths, strict=True):
        table.add_column(
            each.name.replace("_", " ").upper(),
            no_wrap=True,
            overflow="ellipsis",
            width=width,
        )
    for item, row in zip(items, cells, strict=True):
        table.add_row(
            *(
                Text(text, style=each.style(each.get(item)) if each.style else "")
                for each, text in zip(fields, row, strict=True)
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


def _escape_tsv(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, Mapping | list | tuple):
        return to_json(value)
    text = "" if value is None else _flat(value) if isinstance(value, bool) else str(value)
    for sign, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(sign, escaped)
    return text


def _escape_json(sign: str) -> str:
    return sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1]


def _set_format(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    invocation = ctx.ensure_object(Invocation)
    if invocation.format not in (None, value):
        raise click.UsageError("-q prints identifiers only: give it without --format.", ctx)
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


def _check_fields(ctx: click.Context, invocation: Invocation) -> None:
    if invocation.is_quiet and invocation.fields is not None:
        raise click.UsageError("-q prints identifiers only: give it without --fields.", ctx)
