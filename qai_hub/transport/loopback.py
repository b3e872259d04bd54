"""Servers on this machine, of which it is known at once whether they run."""

from qai_hub.config.files import is_loopback
from qai_hub.http_library import httpx
from qai_hub.transport.retry import iter_causes

__all__ = ["is_absent", "is_refused", "remember_answer"]

# Servers that have answered this process: one that refuses a connection later may be restarting.
_answered: set[tuple[str, int | None]] = set()


def remember_answer(url: httpx.URL) -> None:
    """Remembers that a server has answered, if it is on this machine.

    Args:
        url: A URL of the server.
    """
    server = url.host, url.port
    if server not in _answered and is_loopback(url.host):
        _answered.add(server)


def is_absent(error: Exception, url: httpx.URL) -> bool:
    """Returns whether no server runs at a URL on this machine, and none has before.

    Args:
        error: The error of the request.
        url: The URL.
    """
    return is_loopback(url.host) and is_refused(error) and (url.host, url.port) not in _answered


def is_refused(error: Exception) -> bool:
    """Returns whether nothing listens at the address that a request was sent to."""
    return any(isinstance(cause, ConnectionRefusedError) for cause in iter_causes(error))
