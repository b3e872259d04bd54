"""The lists that clients return, which notebooks show as tables."""

from __future__ import annotations

from typing import Protocol, SupportsIndex, TypeVar, overload, runtime_checkable

from qai_hub.display import html

T = TypeVar("T")

_MAX_ROWS = 100


@runtime_checkable
class _Row(Protocol):
    """An object that can be a row of a table."""

    def _html_row(self) -> dict[str, str]:
        """Returns its cells, as text or markup, by the titles of their columns."""


class ResourceList(list[T]):
    """A list that notebooks show as a table; in all else a plain list."""

    __slots__ = ()

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> ResourceList[T]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> T | ResourceList[T]:
        if isinstance(index, slice):
            return ResourceList(super().__getitem__(index))
        return super().__getitem__(index)

    def _repr_html_(self) -> str | None:
        """Returns the table; None, by which the text is shown, if an item is no row of one."""
        items = [item for item in self if isinstance(item, _Row)]
        if not items or len(items) < len(self):
            return None
        rows = [item._html_row() for item in items[:_MAX_ROWS]]
        titles = list(dict.fromkeys(title for row in rows for title in row))
        used = [title for title in titles if any(row.get(title) for row in rows)]
        cells = [[row.get(title, "") for title in used] for row in rows]
        hidden = len(items) - len(rows)
        rest = html.faint(f"and {hidden:,} more") if hidden else ""
        return html.card(html.table(used, cells), rest)
