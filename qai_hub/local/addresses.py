"""Where a hub listens, and by which names it may be reached."""

import ipaddress
import os
import socket
from collections.abc import Collection

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def listen(host: str, port: int) -> socket.socket:
    """Open a socket.

    Args:
        host: Host to listen on.
        port: Port, or 0 for any that is free.

    Returns:
        The socket, bound.

    Raises:
        OSError: If the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named: else 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """Return the URL by which this machine reaches a socket.

    Args:
        host: Host that it listens on.
        listener: The socket, bound.

    Returns:
        The URL, without a slash at its end.
    """
    port = listener.getsockname()[1]
    # Listening on every address is not an address that one can connect to.
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://{_bracketed(reachable)}:{port}"


def allowed_hosts(host: str, more: Collection[str]) -> Collection[str] | None:
    """Tell which hosts requests may be addressed to.

    Args:
        host: Host that the hub listens on.
        more: Hosts that its user allows.

    Returns:
        The hosts in lower case; None for any.
    """
    host, others = host.lower(), [name.lower() for name in more]
    if _is_loopback(host):
        return [*_LOOPBACK_HOSTS, _bracketed(host), *others]
    return others or None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
