"""Proxies from the environment, and the hosts that `NO_PROXY` excludes from them."""

import ipaddress
import os
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from qai_hub.config.files import Secret
from qai_hub.errors import UserError
from qai_hub.http_library import httpx

__all__ = ["PROXY_VARIABLES", "Proxies", "Proxy", "Target", "should_bypass_proxies"]


T = TypeVar("T")

_IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(NamedTuple):
    """The destination of a request: scheme, host without brackets, and explicit or default port."""

    scheme: str
    host: str
    port: int


def should_bypass_proxies(no_proxy: str, target: Target) -> bool:
    """Returns whether `NO_PROXY` excludes a server from the use of proxies.

    Entries are separated by commas or white space: `*` for all hosts; a name, with or without a
    leading dot or `*.`, which includes its subdomains; an IP address; a range (`10.0.0.0/8`,
    `fd00::/8`). Each may have a port, and brackets if it is an IPv6 address. Other entries match
    nothing. Names are not resolved: a range does not match a host given by name.

    Args:
        no_proxy: The value of `NO_PROXY`.
        target: The destination of the request.

    Returns:
        Whether the request goes there without a proxy.
    """
    return any(_entry_matches(entry, target) for entry in re.split(r"[,\s]+", no_proxy) if entry)


def _entry_matches(entry: str, target: Target) -> bool:
    scheme, separator, rest = entry.partition("://")
    if separator and scheme.lower() not in {target.scheme, "all"}:
        return False
    host, port = _host_and_port(rest.partition("/")[0] if separator else entry)
    if port not in {None, target.port}:
        return False
    if host == "*":
        return True
    address = _parse_or_none(ipaddress.ip_address, target.host)
    if address is None:
        return _is_same_or_subdomain(target.host, host)
    network = _parse_or_none(
        lambda text: ipaddress.ip_network(text, strict=False), host.split("%")[0]
    )
    return network is not None and _without_zone(address) in network


def _host_and_port(entry: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[([^]]*)\](/\d+)?(?::(\d{1,5}))?", entry, re.ASCII)
    if bracketed:
        return bracketed[1] + (bracketed[2] or ""), _parse_port(bracketed[3])
    # More than one colon means an IPv6 address without brackets, which has no port.
    named = re.fullmatch(r"([^:]*):(\d{1,5})", entry, re.ASCII)
    return (named[1], _parse_port(named[2])) if named else (entry, None)


def _parse_port(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _is_same_or_subdomain(host: str, entry: str) -> bool:
    name = entry.removeprefix("*").strip(".").lower()
    return bool(name) and f".{host.strip('.').lower()}".endswith(f".{name}")


def _without_zone(address: _IPAddress) -> _IPAddress:
    """Returns the address without its zone, which only names an interface of this machine."""
    return ipaddress.ip_address(str(address).partition("%")[0])


def _parse_or_none(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None


_KINDS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PROXY_VARIABLES = (*_KINDS, *(name.upper() for name in _KINDS), "REQUEST_METHOD")
"""Environment variables that determine the proxies."""

_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        url: URL of the proxy, which may contain a password.
        source: Where the proxy is configured: an environment variable or the system's settings.
    """

    url: Secret
    source: str

    @property
    def netloc(self) -> str:
        """Host and port of the proxy."""
        return httpx.URL(self.url).netloc.decode("ascii", "replace")

    @property
    def scheme(self) -> str:
        """Protocol of the proxy, such as `"http"`."""
        return httpx.URL(self.url).scheme


@dataclass(frozen=True, repr=False)
class Proxies:
    """The proxy settings of an environment.

    Attributes:
        settings: The settings for `http`, `https`, `all` and `no`, as `urllib` reads them.
        sources: For each of these settings, where it is configured.
    """

    settings: Mapping[str, Secret]
    sources: Mapping[str, str]

    @classmethod
    def from_environment(cls) -> "Proxies":
        """Reads the proxies from the environment of this process, or from the system's settings.

        A variable in lower case takes precedence over the same one in upper case; if it is empty,
        there is no proxy. In a CGI script, `HTTP_PROXY` is ignored, because a request can set it.
        """
        settings = {
            kind: Secret(value.strip()) for kind, value in urllib.request.getproxies().items()
        }
        return cls(settings, {kind: _source(kind) for kind in settings})

    def proxy_for(self, url: httpx.URL) -> Proxy | None:
        """Chooses the proxy for a request.

        Args:
            url: URL of the request.

        Returns:
            The proxy; None for a direct connection.

        Raises:
            UserError: If the setting is not the URL of a proxy.
        """
        kind = url.scheme if self.settings.get(url.scheme) else "all"
        setting = self.settings.get(kind)
        if not setting or should_bypass_proxies(self.settings.get("no", ""), _target(url)):
            return None
        return Proxy(_parse_proxy_url(setting, self.sources[kind]), self.sources[kind])


def _target(url: httpx.URL) -> Target:
    default_port = 443 if url.scheme == "https" else 80
    return Target(url.scheme, url.raw_host.decode("ascii").strip("[]"), url.port or default_port)


def _parse_proxy_url(setting: Secret, source: str) -> Secret:
    address = Secret(setting if "://" in setting else f"http://{setting.removeprefix('//')}")
    try:
        url = httpx.URL(address)
        is_valid = url.scheme in _SCHEMES and bool(url.host)
    except (httpx.InvalidURL, ValueError):
        is_valid = False
    if not is_valid:
        raise UserError(f"{source} is not a proxy URL like http://host:port.")
    return address


def _source(kind: str) -> str:
    for name in (f"{kind}_proxy", f"{kind}_proxy".upper()):
        if os.environ.get(name):
            return name
    return "the system's settings"
