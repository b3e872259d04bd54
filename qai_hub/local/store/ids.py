"""Identifiers: one letter that tells what it is, then letters and digits from a secure source."""

import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits


def new_id(prefix: str, length: int = 8) -> str:
    """Return an identifier that cannot be guessed, such as ``jab12cd34``."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))
