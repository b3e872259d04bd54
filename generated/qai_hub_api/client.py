"""Where operations send their requests."""

import copy
import ssl
from typing import Any, Self

import httpx


class Client:
    """A server, and the `httpx` clients that send requests to it.

    The clients are created when they are first needed, unless they are set.

    Args:
        base_url: The base URL for the API; all requests are made to a path relative to it.
        cookies: Cookies to be sent with every request.
        headers: Headers to be sent with every request.
        timeout: The maximum amount of time a request can take.
        verify_ssl: Whether and how to verify the certificate of the server.
        follow_redirects: Whether to follow redirects.
        httpx_args: Further arguments of the `httpx` clients.
    """

    def __init__(
        self,
        base_url: str,
        *,
        cookies: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        timeout: httpx.Timeout | None = None,
        verify_ssl: str | bool | ssl.SSLContext = True,
        follow_redirects: bool = False,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        self._base_url = base_url
        self._cookies = cookies or {}
        self._headers = headers or {}
        self._timeout = timeout
        self._verify_ssl = verify_ssl
        self._follow_redirects = follow_redirects
        self._httpx_args = httpx_args or {}
        self._client: httpx.Client | None = None
        self._async_client: httpx.AsyncClient | None = None

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Returns a new client with additional headers."""
        return self._copy(_headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Returns a new client with additional cookies."""
        return self._copy(_cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout) -> Self:
        """Returns a new client with another timeout."""
        return self._copy(_timeout=timeout)

    def _copy(self, **changes: object) -> Self:
        copied = copy.copy(self)
        vars(copied).update(changes, _client=None, _async_client=None)
        return copied

    def _options(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "cookies": self._cookies,
            "headers": self._headers,
            "timeout": self._timeout,
            "verify": self._verify_ssl,
            "follow_redirects": self._follow_redirects,
            **self._httpx_args,
        }

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Sets the blocking client, whose own settings then count."""
        self._client = client
        return self

    def get_httpx_client(self) -> httpx.Client:
        """Returns the blocking client."""
        if self._client is None:
            self._client = httpx.Client(**self._options())
        return self._client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *args: Any, **kwargs: Any) -> None:
        self.get_httpx_client().__exit__(*args, **kwargs)

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Sets the asynchronous client, whose own settings then count."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Returns the asynchronous client."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._options())
        return self._async_client

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *args: Any, **kwargs: Any) -> None:
        await self.get_async_httpx_client().__aexit__(*args, **kwargs)


class AuthenticatedClient(Client):
    """A client that sends a token with every request.

    Args:
        base_url: The base URL for the API.
        token: The token.
        prefix: What stands before the token in the header.
        auth_header_name: Name of the header.
        options: Further arguments of `Client`.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        prefix: str = "Bearer",
        auth_header_name: str = "Authorization",
        **options: Any,
    ) -> None:
        super().__init__(base_url, **options)
        self.token = token
        self.prefix = prefix
        self.auth_header_name = auth_header_name

    def _options(self) -> dict[str, Any]:
        value = f"{self.prefix} {self.token}" if self.prefix else self.token
        options = super()._options()
        return {**options, "headers": {**options["headers"], self.auth_header_name: value}}
