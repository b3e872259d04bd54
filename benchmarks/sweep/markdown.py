"""What pages with tables of results are written with."""

import re
from collections.abc import Callable, Iterable

MAX_REASON = 400
"""The most characters of a reason that a page shows."""

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PATHS = re.compile(r"(?:/[\w.+-]+){3,}/?")


def escape(text: str) -> str:
    """Returns a text so that it has no markup.

    Args:
        text: The text.
    """
    for character in "\\|[]*_<>`$":
        text = text.replace(character, f"\\{character}")
    return text


def leave_paths_out(text: str) -> str:
    """Returns a text without the paths of this machine.

    Args:
        text: The text.
    """
    return _PATHS.sub("…", text)


def leave_names_out(text: str) -> str:
    """Returns a text without what is quoted in it.

    Args:
        text: The text.
    """
    return _QUOTED.sub("", text)


class Reasons:
    """The reasons so far, numbered from 1; those that are alike are one.

    Args:
        simplify: Returns of a reason what the page shows of it, and what it has in common with
            those that are alike.
    """

    def __init__(self, simplify: Callable[[str], tuple[str, str]]) -> None:
        self._simplify = simplify
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._counts: list[int] = []

    def add(self, text: str) -> int:
        """Returns the number of a reason.

        Args:
            text: The reason.
        """
        shown, key = self._simplify(text)
        if key not in self._numbers:
            self._numbers[key] = len(self._texts) + 1
            self._texts.append(shown)
            self._counts.append(0)
        self._counts[self._numbers[key] - 1] += 1
        return self._numbers[key]

    def list_all(self) -> Iterable[tuple[int, int, str]]:
        """Yields the number of each, how often it came, and what is shown of the first."""
        for number, (count, text) in enumerate(zip(self._counts, self._texts, strict=True), 1):
            yield number, count, text
