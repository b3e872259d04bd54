"""Warnings about names that go away."""

import sys
import warnings

__all__ = ["warn_deprecated"]


def warn_deprecated(message: str) -> None:
    """Warns at the line that called this package, through however many of its functions.

    Args:
        message: What is deprecated, and what to use instead.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == "qai_hub":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, DeprecationWarning, stacklevel=level)
