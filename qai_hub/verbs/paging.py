"""Numbers that say which part of a list is meant."""

from __future__ import annotations

import operator

from qai_hub.errors import UserError

# The contract's limit of one page.
LARGEST_PAGE = 1000


def whole_number(argument: str, given: object, least: int, most: int | None = None) -> int:
    """Checks a whole number, of Python or of numpy.

    Args:
        argument: What it is called.
        given: The number.
        least: The smallest that is allowed.
        most: The largest that is allowed; None for no bound.

    Returns:
        The number.

    Raises:
        UserError: If it is another one, or no whole number.
    """
    try:
        number = None if isinstance(given, bool) else operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or number < least or (most is not None and number > most):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise UserError(f"{argument} is a whole number {bounds}, not {given!r}.")
    return number
