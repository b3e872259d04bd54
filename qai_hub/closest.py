"""The names closest to one that does not exist, for messages that ask "Did you mean …?"."""

import contextlib
import errno
import functools
import re
import stat
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

__all__ = ["closest_names", "describe_place", "did_you_mean", "why_no_file"]

_MIN_SCORE = 0.78
# Names that are this much less similar than the closest one are left out.
_MAX_DISTANCE = 0.04
_MAX_LENGTH = 100
# Of words with two letters in the wrong order, which have little in common if they are short.
_SWAPPED_SCORE = 0.9
_MAX_WORDS = 16
_MAX_ENTRIES = 1000
# A path has one slash where the URL had two. Drives of Windows have one letter.
_URL_START = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe, not a file"),
    (stat.S_ISSOCK, "a socket, not a file"),
    (stat.S_ISCHR, "a device, not a file"),
    (stat.S_ISBLK, "a device, not a file"),
)


def closest_names(wanted: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """Finds the names that somebody may have meant.

    Case and separators do not count, and words may be missing: `galaxy s24 ultra` is close to
    `Samsung Galaxy S24 Ultra`.

    Args:
        wanted: The name that does not exist.
        names: The names that exist.
        limit: Maximum number of names.

    Returns:
        The closest names, the most similar first; empty if none is similar.
    """
    words = _split_words(wanted[:_MAX_LENGTH])
    if not words:
        return []
    # Names have words in common, and comparing two takes longest.
    ratio = functools.cache(_ratio)
    scores = {name: _score(words, _split_words(name[:_MAX_LENGTH]), ratio) for name in names}
    best = max(scores.values(), default=0.0)
    least = 1.0 if best == 1.0 else max(_MIN_SCORE, best - _MAX_DISTANCE)
    close = [name for name, score in scores.items() if score >= least]
    return sorted(close, key=lambda name: (-scores[name], name))[:limit]


def did_you_mean(wanted: str, names: Iterable[str]) -> str:
    """Returns ` Did you mean 'this' or 'that'?`, to append to a message; empty if none is close."""
    *others, last = [repr(name) for name in closest_names(wanted, names)] or [""]
    if not last:
        return ""
    return f" Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def why_no_file(path: Path) -> str:
    """Returns the end of a sentence, `There is no model at PATH`, and the names that are close.

    Args:
        path: The path. What is there but is no file, such as a pipe or a broken link, is named; if
            the folder does not exist either, that is said instead.
    """
    place = describe_place(path)
    return f": it is {place}." if place else f".{_did_you_mean_file(path)}"


def describe_place(path: Path) -> str:
    """Returns what is in the place of a file, such as `a pipe`; empty for a file, or if nothing."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        if not path.is_symlink():
            return ""
        if error.errno == errno.ELOOP:
            return "a link that leads to itself"
        return (
            f"a link to {str(path.readlink())!r}, which does not exist"
            if error.errno == errno.ENOENT
            else ""
        )
    return next((words for is_kind, words in _KINDS if is_kind(mode)), "")


def _did_you_mean_file(path: Path) -> str:
    if _URL_START.fullmatch(path.parts[0] if path.parts else ""):
        return " A URL is no file of this machine: download it first."
    if not path.parent.is_dir():
        return f" Nor is there a folder {path.parent}."
    with contextlib.suppress(OSError):
        names = [entry.name for entry in islice(path.parent.iterdir(), _MAX_ENTRIES)]
        # Files of one kind are alike in their suffix already.
        stems = closest_names(path.stem, {Path(name).stem for name in names}, _MAX_ENTRIES)
        alike = [name for name in names if Path(name).stem in stems]
        return did_you_mean(path.name, alike)
    return ""


def _split_words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+|\+", text.lower())[:_MAX_WORDS]


def _score(wanted: list[str], words: list[str], ratio: Callable[[str, str], float]) -> float:
    """Returns how similar two names are, from 0 to 1, which means equal words."""
    if wanted == words:
        return 1.0
    whole = _ratio("".join(wanted), "".join(words))
    if not words or len(wanted) == len(words) == 1:
        return whole
    # Each word that was given counts more than one that was left out.
    table = [[ratio(word, other) for other in words] for word in wanted]
    given = sum(max(row) for row in table) / len(wanted)
    covered: float = sum(max(column) for column in zip(*table, strict=True)) / len(words)
    return min(max(whole, 0.75 * given + 0.25 * covered), 0.99)


def _ratio(one: str, other: str) -> float:
    from difflib import SequenceMatcher

    if one == other:
        return 1.0
    if set(one).isdisjoint(other):
        return 0.0
    if _is_swapped(one, other):
        return _SWAPPED_SCORE
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _is_swapped(one: str, other: str) -> bool:
    """Returns whether two different words differ in the order of two neighbours."""
    if len(one) != len(other):
        return False
    first = next(
        index for index, pair in enumerate(zip(one, other, strict=True)) if len(set(pair)) > 1
    )
    return one[:first] + one[first : first + 2][::-1] + one[first + 2 :] == other
