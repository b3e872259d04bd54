"""Proxies that the environment names."""

import contextlib
from collections.abc import Iterator

import httpx

from qai_hub.errors import UserError

__all__ = ["proxies_told"]


@contextlib.contextmanager
def proxies_told() -> Iterator[None]:
    """Tells what is wrong with the proxies that the environment names, for a block that reads them.

    Yields:
        Nothing.

    Raises:
        UserError: If they cannot be used.
    """
    try:
        yield
    except ImportError:
        raise UserError(
            "The environment names a SOCKS proxy, which needs one more package: pip install "
            "'httpx[socks]'."
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise UserError(
            "The environment names a proxy (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY) that is no "
            "address like http://host:port."
        ) from None
