"""Versions of QAIRT, as `--qairt_version` names them, and the engines that have them."""

import re
from collections.abc import Collection

from qai_hub.local.engines.catalog import ENGINES, Engine
from qai_hub.option_string import (
    QAIRT_VERSION,
    OptionStringError,
    option_values,
    parse_option_string,
)

Version = tuple[int, ...]
"""The numbers of a version; none for the version of the hub itself."""

TAGS = ("default", "latest")
"""The tags of the hub's own version: no engine has a newer one."""

# What follows the numbers tells for which system a package of the SDK is.
_NUMBERS = re.compile(r"v?(\d{1,9}(?:\.\d{1,19})+)(?:[-_].*)?", re.ASCII)


def parse_version(text: str) -> Version:
    """Parse a version, with two numbers or more, or a tag.

    Args:
        text: Such as "2.50", "2.50.40" or "latest".

    Raises:
        ValueError: It is neither.
    """
    if text in TAGS:
        return ()
    found = _NUMBERS.fullmatch(text)
    if found is None:
        raise ValueError("that is neither a version, such as 2.50, nor a tag.")
    return tuple(map(int, found[1].split(".")))


def is_version(asked: Version, version: str) -> bool:
    """Return whether a version is the one that was asked for, as far as both have numbers."""
    numbers = parse_version(version)
    return all(mine == theirs for mine, theirs in zip(asked, numbers, strict=False))


def engine_of_version(asked: Version) -> Engine | None:
    """Return the engine for a version; None if that is the hub's own, or there is none for it.

    Args:
        asked: The version, of which the first two numbers count.
    """
    name = ".".join(map(str, asked[:2]))
    return next((each for each in ENGINES.values() if name and each.qairt == name), None)


def asked_version(options: str) -> Version:
    """Return the version of QAIRT that a job's options name; no numbers if they name none.

    Args:
        options: The options, as submitted. Errors in them are ignored here; they make the job fail.
    """
    try:
        asked = option_values(QAIRT_VERSION, parse_option_string(options))
        return parse_version(asked[-1] or "") if asked else ()
    except (OptionStringError, ValueError):
        return ()


def choose_engine(
    asked: Version, own: str | None, installed: Collection[str], *, makes_model: bool, strict: bool
) -> Engine | None:
    """Choose what has the version of QAIRT that a job names, or else the nearest one.

    The nearest one does what the named one would have done. What an older QAIRT has made, the named
    one can read, so the next older one makes models. What the named one can read, a newer one can
    read as well, so the next newer one runs them. Only if there is none on that side, the nearest
    one on the other side is chosen.

    Args:
        asked: The version, of which the first two numbers count; none for the hub's own.
        own: The version of the hub itself; None if it has none.
        installed: The names of the engines that may be used.
        makes_model: Whether the job makes a model, rather than running one.
        strict: Whether only the named version will do.

    Returns:
        The engine, which is not installed if only that will do; None for the hub's own version, or
        if nothing has any.
    """
    exact = engine_of_version(asked)
    if not asked or (own is not None and parse_version(own)[:2] == asked[:2]):
        return None
    if exact is not None and (strict or exact.name in installed):
        return exact
    if strict:
        return None
    found: dict[Version, Engine | None] = {
        parse_version(ENGINES[name].qairt): ENGINES[name]
        for name in installed
        if ENGINES[name].qairt
    }
    if own is not None:
        found[parse_version(own)[:2]] = None
    older = max((each for each in found if each < asked[:2]), default=None)
    newer = min((each for each in found if each > asked[:2]), default=None)
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
