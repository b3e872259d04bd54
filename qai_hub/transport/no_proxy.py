"""`NO_PROXY`: the hosts that are reached without a proxy."""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias, TypeVar

__all__ = ["Target", "past_proxies"]

T = TypeVar("T")

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """Where a request goes: scheme, host without brackets, and port, given or usual."""

    scheme: str
    host: str
    port: int


def past_proxies(no_proxy: str, target: Target) -> bool:
    """Tells whether a list of exceptions covers a server.

    Entries are parted by commas or blanks: `*` for all; a name, which covers what is below it too,
    with a leading dot or `*.` or without; an address; a range (`10.0.0.0/8`, `fd00::/8`). Each may
    have a port and, where it is of IPv6, brackets. What is none of these covers nothing. Names are
    not looked up: a range covers no host that is named.

    Args:
        no_proxy: The list.
        target: Where a request goes.

    Returns:
        Whether it goes there without a proxy.
    """
    return any(_covers(entry, target) for entry in re.split(r"[,\s]+", no_proxy) if entry)


def _covers(entry: str, target: Target) -> bool:
    scheme, separator, rest = entry.partition("://")
    if separator and scheme.lower() not in {target.scheme, "all"}:
        return False
    host, port = _host_and_port(rest.partition("/")[0] if separator else entry)
    if port not in {None, target.port}:
        return False
    if host == "*":
        return True
    address = _read(ipaddress.ip_address, target.host)
    if address is None:
        return _is_below(target.host, host)
    network = _read(lambda text: ipaddress.ip_network(text, strict=False), host.split("%")[0])
    return network is not None and _plain(address) in network


def _host_and_port(entry: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[([^]]*)\](/\d+)?(?::(\d{1,5}))?", entry, re.ASCII)
    if bracketed:
        return bracketed[1] + (bracketed[2] or ""), _port(bracketed[3])
    # More than one colon is an address of IPv6 without brackets, which has no port.
    named = re.fullmatch(r"([^:]*):(\d{1,5})", entry, re.ASCII)
    return (named[1], _port(named[2])) if named else (entry, None)


def _port(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _is_below(host: str, entry: str) -> bool:
    name = entry.removeprefix("*").strip(".").lower()
    return bool(name) and f".{host.strip('.').lower()}".endswith(f".{name}")


def _plain(address: _Address) -> _Address:
    """The address without its zone, which tells interfaces of this machine apart."""
    return ipaddress.ip_address(str(address).partition("%")[0])


def _read(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None
