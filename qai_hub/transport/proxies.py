"""Proxies that the environment names, and which of them a request goes by."""

import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import httpx

from qai_hub.config.secret import Secret
from qai_hub.errors import UserError
from qai_hub.transport.no_proxy import Target, past_proxies

__all__ = ["PROXY_VARIABLES", "Proxies", "Proxy"]

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
