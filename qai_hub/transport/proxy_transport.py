"""Transports that send requests directly or through the proxy that the environment names."""

import contextlib
import errno
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from qai_hub.errors import UserError
from qai_hub.http_library import httpx
from qai_hub.transport.certificates import ssl_context, untrusting_context
from qai_hub.transport.proxies import Proxies, Proxy
from qai_hub.transport.retry import is_certificate_error, iter_causes

__all__ = ["AsyncProxyTransport", "ProxyFault", "ProxyTransport"]

T = TypeVar("T")

# Seconds to connect to a proxy: it is near, and so responds quickly or not at all.
_CONNECT_LIMIT = 3.0
# Seconds for a proxy to connect to the server.
_TUNNEL_LIMIT = 10.0


class ProxyFault(httpx.ProxyError):
    """A request failed at the proxy and did not reach the server.

    Attributes:
        proxy: The proxy.
        reason: Behaviour of the proxy, for a message, such as `"does not answer"`.
        is_refusal: Whether the proxy is available but refuses the request.
        is_transient: Whether the next attempt may succeed.
    """

    def __init__(
        self,
        proxy: Proxy,
        reason: str,
        *,
        request: httpx.Request,
        is_refusal: bool = False,
        is_transient: bool = False,
    ) -> None:
        super().__init__(reason, request=request)
        self.proxy = proxy
        self.reason = reason
        self.is_refusal = is_refusal
        self.is_transient = is_transient


@dataclass
class _ProxiedRequest:
    """The progress of a request through a proxy, as reported by httpcore's trace."""

    request: httpx.Request
    proxy: Proxy
    limits: dict[str, Any] = field(init=False)
    at_proxy: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.limits = dict(self.request.extensions.get("timeout", {}))
        self._shorten("connect", _CONNECT_LIMIT)
        self._read_limit = self.limits.get("read")
        self._leaves = _last_event(self.proxy.scheme, self.request.url.scheme)

    def on_event(self, event: str, _info: object) -> None:
        if event in {"connection.connect_tcp.started", "socks.connect_tcp.started"}:
            self.at_proxy = True
            self._shorten("read", _TUNNEL_LIMIT)
        if event == self._leaves:
            self.at_proxy = False
            self.limits["read"] = self._read_limit

    async def on_event_async(self, event: str, info: object) -> None:
        self.on_event(event, info)

    def _shorten(self, step: str, limit: float) -> None:
        self.limits[step] = min(self.limits.get(step) or limit, limit)

    @contextlib.contextmanager
    def faults(self) -> Iterator[None]:
        """Converts faults of the proxy to `ProxyFault`; faults of the server stay as they are."""
        try:
            yield
        except httpx.ProxyError as error:
            raise self._refusal(str(error)) from error
        except Exception as error:
            # A response that is not SOCKS causes exceptions of many types.
            if not self.at_proxy:
                raise
            raise self._fault(error) from error

    def check(self, response: httpx.Response) -> None:
        """Raises `ProxyFault` for a response that comes from the proxy itself."""
        if response.status_code == 407:
            raise self._refusal("407 Proxy Authentication Required")

    def _refusal(self, answer: str) -> ProxyFault:
        status = answer.partition(" ")[0]
        if status == "407":
            reason = "requires another user name and password (407)"
        else:
            reason = f"does not connect to {self.request.url.host} ({answer[:100]})"
        return ProxyFault(
            self.proxy,
            reason,
            request=self.request,
            is_refusal=not status.startswith("5"),
            is_transient=status.startswith("5"),
        )

    def _fault(self, error: Exception) -> ProxyFault:
        if is_certificate_error(error):
            return ProxyFault(
                self.proxy,
                "has an untrusted certificate",
                request=self.request,
                is_refusal=True,
            )
        reason, is_transient = _reason(error)
        return ProxyFault(self.proxy, reason, request=self.request, is_transient=is_transient)


def _last_event(proxy: str, server: str) -> str:
    """Returns the trace event after which only the server is left to respond."""
    if proxy.startswith("socks"):
        return "socks.start_tls.started" if server == "https" else _SOCKS_DONE
    if server == "https":
        return "proxy.start_tls.started"
    step = "start_tls" if proxy == "https" else "connect_tcp"
    return f"connection.{step}.complete"


_SOCKS_DONE = "socks.setup_socks5_connection.complete"


def _reason(error: Exception) -> tuple[str, bool]:
    """Returns the behaviour of a proxy, and whether the next attempt may succeed."""
    for cause in iter_causes(error):
        if isinstance(cause, socket.gaierror):
            return "cannot be found by name", cause.errno == socket.EAI_AGAIN
        if isinstance(cause, ssl.SSLError):
            return "does not speak TLS", False
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return "refuses connections", False
    if isinstance(error, httpx.TimeoutException):
        return "does not answer", True
    return f"broke the connection ({type(error).__name__})", True


class _TransportCache(Generic[T]):
    """The transports that were used: with and without TLS, directly and through each proxy.

    Loading certificates takes longer than anything else that a transport needs, so those without
    TLS do without.
    """

    def __init__(self, kind: Callable[..., T], proxies: Proxies, options: dict[str, Any]) -> None:
        self._kind = kind
        self._proxies = proxies
        self._options = {"trust_env": False, **options}
        self._lock = threading.Lock()
        self._transports: dict[tuple[str | None, bool], T] = {}

    def choose(self, request: httpx.Request) -> tuple[Proxy | None, T]:
        proxy = self._proxies.proxy_for(request.url)
        uses_tls = "https" in {request.url.scheme, proxy and proxy.scheme}
        key = proxy and proxy.url, uses_tls
        with self._lock:
            if key not in self._transports:
                self._transports[key] = self._create(proxy, uses_tls=uses_tls)
            return proxy, self._transports[key]

    def all(self) -> list[T]:
        with self._lock:
            return list(self._transports.values())

    def _create(self, proxy: Proxy | None, *, uses_tls: bool) -> T:
        options = self._options
        if "verify" not in options:
            verify = ssl_context() if uses_tls else untrusting_context()
            options = {**options, "verify": verify}
        if proxy is None:
            return self._kind(**options)
        context = options["verify"] if proxy.scheme == "https" else None
        given = context if isinstance(context, ssl.SSLContext) else None
        try:
            return self._kind(proxy=httpx.Proxy(proxy.url, ssl_context=given), **options)
        except ImportError:
            raise UserError(
                f"{proxy.source} is a SOCKS proxy, which needs another package: pip install "
                "'httpx[socks]'."
            ) from None


class ProxyTransport(httpx.BaseTransport):
    """Sends each request directly or through a proxy, as the environment specifies.

    Args:
        proxies: The proxy settings.
        options: Further arguments of `httpx.HTTPTransport`; certificates default to those that the
            environment names.
    """

    def __init__(self, proxies: Proxies, **options: Any) -> None:  # noqa: ANN401
        self._transports = _TransportCache(httpx.HTTPTransport, proxies, options)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request.

        Args:
            request: The request.

        Returns:
            The response.

        Raises:
            UserError: If the environment names a proxy that cannot be used, or certificates that
                cannot be read.
            httpx.TransportError: If there was no response; `ProxyFault` if the request did not get
                past the proxy.
        """
        proxy, transport = self._transports.choose(request)
        if proxy is None:
            return transport.handle_request(request)
        proxied = _ProxiedRequest(request, proxy)
        with _traced(request, proxied, proxied.on_event), proxied.faults():
            response = transport.handle_request(request)
        try:
            proxied.check(response)
        except ProxyFault:
            response.close()
            raise
        return response

    def close(self) -> None:
        """Closes all connections."""
        for transport in self._transports.all():
            transport.close()


class AsyncProxyTransport(httpx.AsyncBaseTransport):
    """Sends each request directly or through a proxy, in an event loop.

    Args:
        proxies: The proxy settings.
        options: Further arguments of `httpx.AsyncHTTPTransport`; certificates default to those that
            the environment names.
    """

    def __init__(self, proxies: Proxies, **options: Any) -> None:  # noqa: ANN401
        self._transports = _TransportCache(httpx.AsyncHTTPTransport, proxies, options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request, as `ProxyTransport` does.

        Args:
            request: The request.

        Returns:
            The response.

        Raises:
            UserError: If the environment names a proxy that cannot be used, or certificates that
                cannot be read.
            httpx.TransportError: If there was no response; `ProxyFault` if the request did not get
                past the proxy.
        """
        proxy, transport = self._transports.choose(request)
        if proxy is None:
            return await transport.handle_async_request(request)
        proxied = _ProxiedRequest(request, proxy)
        with _traced(request, proxied, proxied.on_event_async), proxied.faults():
            response = await transport.handle_async_request(request)
        try:
            proxied.check(response)
        except ProxyFault:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Closes all connections."""
        for transport in self._transports.all():
            await transport.aclose()


@contextlib.contextmanager
def _traced(request: httpx.Request, proxied: _ProxiedRequest, trace: object) -> Iterator[None]:
    """Has httpcore trace a request for the duration of a block."""
    given = request.extensions
    request.extensions = {**given, "timeout": proxied.limits, "trace": trace}
    try:
        yield
    finally:
        request.extensions = given
