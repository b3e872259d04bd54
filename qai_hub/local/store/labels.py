"""Labels: what jobs need of the process that runs them, and what processes offer.

Both are stored as text: labels in alphabetical order, separated by commas.
"""

from collections.abc import Iterable
from itertools import combinations


def to_text(labels: Iterable[str]) -> str:
    """Return labels as they are stored."""
    return ",".join(sorted(set(labels)))


def from_text(text: str) -> frozenset[str]:
    """Return the labels of a stored text."""
    return frozenset(text.split(",")) - {""}


def served_needs(offered: Iterable[str]) -> tuple[str, ...]:
    """Return, as they are stored, all needs of jobs that may run where some labels are offered."""
    names = sorted(set(offered))
    return tuple(
        to_text(chosen) for size in range(len(names) + 1) for chosen in combinations(names, size)
    )
