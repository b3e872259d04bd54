"""Versions of QAIRT, as `--qairt_version` names them, and the engines that have them."""

import re
from collections.abc import Collection
from typing import NamedTuple

from qai_hub.local.engines.catalog import ENGINES, Engine
from qai_hub.option_string import (
    QAIRT_VERSION,
    OptionStringError,
    option_values,
    parse_option_string,
)


class Version(NamedTuple):
    """A version as a job names it.

    Attributes:
        numbers: Its numbers; none for the version of the hub itself.
        variant: What follows them if it makes another version of it, such as "-rc1".
    """

    numbers: tuple[int, ...] = ()
    variant: str = ""

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + self.variant

    @property
    def release(self) -> tuple[int, ...]:
        """The first two numbers, by which engines are named."""
        return self.numbers[:2]


OWN_VERSION = Version()
"""The version of the hub itself, whatever it is."""

TAGS = ("default", "latest")
"""The tags of the hub's own version: no engine has a newer one."""

# In full, the number of a build follows those of the version, and "-auto" names a package of it.
_VERSION = re.compile(r"v?(\d{1,9}(?:\.\d{1,19})+)(?:_\d{1,19})?(?:-auto)?([-_].*)?", re.ASCII)


def parse_version(text: str) -> Version:
    """Parse a version, with two numbers or more, or a tag.

    Args:
        text: Such as "2.50", "2.50.40" or "latest".

    Raises:
        ValueError: It is neither.
    """
    if text in TAGS:
        return OWN_VERSION
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ValueError("that is neither a version, such as 2.50, nor a tag.")
    return Version(tuple(map(int, found[1].split("."))), found[2] or "")


def is_version(asked: Version, version: str) -> bool:
    """Return whether a version is the one that was asked for, as far as both have numbers.

    Another variant of it is not.
    """
    there = parse_version(version)
    pairs = zip(asked.numbers, there.numbers, strict=False)
    return asked.variant == there.variant and all(mine == theirs for mine, theirs in pairs)


def engine_of_version(asked: Version) -> Engine | None:
    """Return the engine for a version; None if that is the hub's own, or there is none for it.

    Args:
        asked: The version, of which the first two numbers count.
    """
    name = ".".join(map(str, asked.release))
    return next((each for each in ENGINES.values() if name and each.qairt == name), None)


def asked_version(options: str) -> Version:
    """Return the version of QAIRT that a job's options name; the hub's own if they name none.

    Args:
        options: The options, as submitted. Errors in them are ignored here; they make the job fail.
    """
    try:
        asked = option_values(QAIRT_VERSION, parse_option_string(options))
        return parse_version(asked[-1] or "") if asked else OWN_VERSION
    except (OptionStringError, ValueError):
        return OWN_VERSION


def choose_engine(
    asked: Version, own: str | None, installed: Collection[str], *, makes_model: bool, strict: bool
) -> Engine | None:
    """Choose what has the version of QAIRT that a job names, or else the nearest one.

    The nearest one does what the named one would have done. What an older QAIRT has made, the named
    one can read, so the next older one makes models. What the named one can read, a newer one can
    read as well, so the next newer one runs them. Only if there is none on that side, the nearest
    one on the other side is chosen.

    Args:
        asked: The version, of which the first two numbers count.
        own: The version of the hub itself; None if it has none.
        installed: The names of the engines that may be used.
        makes_model: Whether the job makes a model, rather than running one.
        strict: Whether only the named version will do.

    Returns:
        The engine, which is not installed if only that will do; None for the hub's own version, or
        if nothing has any.
    """
    exact = engine_of_version(asked)
    if not asked.numbers or (own is not None and parse_version(own).release == asked.release):
        return None
    if exact is not None and (strict or exact.name in installed):
        return exact
    if strict:
        return None
    found: dict[tuple[int, ...], Engine | None] = {
        parse_version(ENGINES[name].qairt).release: ENGINES[name]
        for name in installed
        if ENGINES[name].qairt
    }
    if own is not None:
        found[parse_version(own).release] = None
    older = max((each for each in found if each < asked.release), default=None)
    newer = min((each for each in found if each > asked.release), default=None)
    order = (older, newer) if makes_model else (newer, older)
    nearest = next((each for each in order if each is not None), None)
    # With nothing to choose from, the reason of the failure names what to install.
    return exact if nearest is None else found[nearest]


def engine_of_needs(labels: Collection[str]) -> Engine | None:
    """Return the engine whose packages a job's worker runs with from the start, if it needs one.

    Args:
        labels: The labels of what the job needs.
    """
    overlays = (each for each in ENGINES.values() if each.is_overlay)
    return next((each for each in overlays if each.label in labels), None)
