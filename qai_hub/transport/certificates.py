"""The CA certificates to verify servers with."""

import functools
import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from qai_hub.errors import UserError
from qai_hub.forking import delay_forks
from qai_hub.http_library import httpx

__all__ = ["CERTIFICATE_VARIABLES", "ssl_context", "untrusting_context"]

CERTIFICATE_VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""Environment variables that name files or folders of CA certificates."""


def ssl_context(environ: Mapping[str, str] | None = None) -> ssl.SSLContext:
    """Loads the CA certificates to trust.

    Args:
        environ: Environment variables; None for those of the process.

    Returns:
        A context with the certificates from all variables together, since one variable is often set
        for all tools and another for one server; with those of certifi if no variable is set.

    Raises:
        UserError: If the certificates cannot be read.
    """
    variables = os.environ if environ is None else environ
    # Several variables often name the same path, which is then read once.
    named = {place: name for name, place in _configured_paths(variables)}
    for place, name in named.items():
        try:
            _check_readable(place)
        except OSError as error:
            raise _unreadable(name, place, error) from error
    # OpenSSL takes locks here, and a child forked meanwhile would find them held for ever.
    with delay_forks():
        return _load(tuple(named.items()))


def untrusting_context() -> ssl.SSLContext:
    """Returns a context without certificates, for transports that are not to use TLS."""
    with delay_forks():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _configured_paths(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in CERTIFICATE_VARIABLES:
        value = variables.get(name, "").strip()
        places = value.split(os.pathsep) if name == "SSL_CERT_DIR" else [value]
        yield from ((name, place) for place in places if place)


def _check_readable(place: str) -> None:
    """Raises OSError for an unreadable path, which OpenSSL would take as an empty folder."""
    if not Path(place).is_file():
        os.listdir(place)  # noqa: PTH208 - it raises at once


# Loading certificates takes 20 ms, so all sessions share them.
@functools.lru_cache(8)
def _load(named: tuple[tuple[str, str], ...]) -> ssl.SSLContext:
    context: ssl.SSLContext | None = None
    for place, name in named:
        file, folder = (None, place) if Path(place).is_dir() else (place, None)
        try:
            if context is None:
                context = ssl.create_default_context(cafile=file, capath=folder)
            else:
                context.load_verify_locations(cafile=file, capath=folder)
        except OSError as error:
            raise _unreadable(name, place, error) from error
    return context or httpx.create_ssl_context(trust_env=False)


def _unreadable(name: str, place: str, error: OSError) -> UserError:
    return UserError(
        f"The certificates of {name}={place} cannot be read: {error.strerror}. "
        "Correct or unset the variable."
    )


# A context contains locks of OpenSSL, which a thread of the parent may have held at the fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_load.cache_clear)
