"""`NO_PROXY`: the hosts that are reached without a proxy."""

import ipaddress
import os
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

import httpx

from qai_hub.config.checks import Secret
from qai_hub.errors import UserError

__all__ = ["PROXY_VARIABLES", "Proxies", "Proxy", "Target", "past_proxies"]


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


_KINDS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PROXY_VARIABLES = (*_KINDS, *(name.upper() for name in _KINDS), "REQUEST_METHOD")
"""The variables that say which proxies there are."""

_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        url: Its address, which may hold a password.
        source: The variable that names it, or what else does.
    """

    url: Secret
    source: str

    @property
    def place(self) -> str:
        """Its host and port."""
        return httpx.URL(self.url).netloc.decode("ascii", "replace")

    @property
    def scheme(self) -> str:
        """What it speaks."""
        return httpx.URL(self.url).scheme


@dataclass(frozen=True, repr=False)
class Proxies:
    """The proxies of an environment.

    Attributes:
        named: For `http`, `https`, `all` and `no` what is named, as `urllib` reads it.
        sources: For each of these what names it.
    """

    named: Mapping[str, Secret]
    sources: Mapping[str, str]

    @classmethod
    def of_process(cls) -> "Proxies":
        """Reads the environment of this process, or what else the system has for proxies.

        A variable in small letters counts before one in capitals, and is good for none if it is
        empty. In a CGI script `HTTP_PROXY` is what a request says, and is not read.
        """
        told = urllib.request.getproxies()
        named = {kind: Secret(value.strip()) for kind, value in told.items()}
        return cls(named, {kind: _source(kind) for kind in named})

    def proxy_for(self, url: httpx.URL) -> Proxy | None:
        """Chooses the way of a request.

        Args:
            url: Where it goes.

        Returns:
            The proxy that it goes by; None if it goes there right away.

        Raises:
            UserError: If the proxy is named by something that is no address of one.
        """
        kind = url.scheme if self.named.get(url.scheme) else "all"
        named = self.named.get(kind)
        if not named or past_proxies(self.named.get("no", ""), _target(url)):
            return None
        return Proxy(_address(named, self.sources[kind]), self.sources[kind])


def _target(url: httpx.URL) -> Target:
    usual = 443 if url.scheme == "https" else 80
    return Target(url.scheme, url.raw_host.decode("ascii").strip("[]"), url.port or usual)


def _address(named: Secret, source: str) -> Secret:
    address = Secret(named if "://" in named else f"http://{named.removeprefix('//')}")
    try:
        url = httpx.URL(address)
        fits = url.scheme in _SCHEMES and bool(url.host)
    except (httpx.InvalidURL, ValueError):
        fits = False
    if not fits:
        raise UserError(
            f"{source} names a proxy by something that is no address like http://host:port."
        )
    return address


def _source(kind: str) -> str:
    for name in (f"{kind}_proxy", f"{kind}_proxy".upper()):
        if os.environ.get(name):
            return name
    return "the system's settings"
