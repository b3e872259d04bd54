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


def engine_of_options(options: str) -> Engine | None:
    """Return the engine for the version of QAIRT that a job's options name, if there is one.

    Args:
        options: The options, as submitted. Errors in them are ignored here; they make the job fail.
    """
    try:
        asked = option_values(QAIRT_VERSION, parse_option_string(options))
        return engine_of_version(parse_version(asked[-1] or "")) if asked else None
    except (OptionStringError, ValueError):
        return None


def engine_of_needs(labels: Collection[str]) -> Engine | None:
    """Return the engine whose packages a job's worker runs with from the start, if it needs one.

    Args:
        labels: The labels of what the job needs.
    """
    overlays = (each for each in ENGINES.values() if each.is_overlay)
    return next((each for each in overlays if each.label in labels), None)
