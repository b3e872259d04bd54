"""Tables as CSV, which are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence


def format_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as CSV.

    Args:
        header: The names of its columns.
        rows: Its rows; None for a cell without a value.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_as_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _as_cell(value: object) -> object:
    """Return a value in a form that spreadsheets do not take for a formula."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return "" if value is None else value
