"""Labels: what jobs need of the process that runs them, and what processes offer.

Both are stored as text: labels in alphabetical order, separated by commas.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

ENGINE_PREFIX = "engine-"
_WITHIN_ENGINES = frozenset({"qnn", "tflite"})


def to_text(labels: Iterable[str]) -> str:
    """Return labels as they are stored."""
    return ",".join(sorted(set(labels)))


def from_text(text: str) -> frozenset[str]:
    """Return the labels of a stored text."""
    return frozenset(text.split(",")) - {""}


def needs_to_text(labels: Iterable[str]) -> str:
    """Return the needs of a job as they are stored.

    An engine has all that reads and makes models of its kind. So a job that needs one needs no
    extra for these beside it, and jobs have fewer different needs.
    """
    needed = set(labels)
    has_engine = any(each.startswith(ENGINE_PREFIX) for each in needed)
    return to_text(needed - _WITHIN_ENGINES if has_engine else needed)


def served_needs(offered: Iterable[str]) -> tuple[str, ...]:
    """Return, as they are stored, all needs of jobs that may run where some labels are offered.

    A job needs one engine at most.
    """
    names = sorted(set(offered))
    engines = [each for each in names if each.startswith(ENGINE_PREFIX)]
    others = [each for each in names if each not in engines]
    beside = [each for each in others if each not in _WITHIN_ENGINES]
    with_engines = ((engine, *chosen) for engine in engines for chosen in _subsets(beside))
    return tuple(to_text(chosen) for chosen in (*_subsets(others), *with_engines))


def _subsets(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(names) + 1):
        yield from combinations(names, size)
