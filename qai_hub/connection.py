"""A client's connection to one server: API operations and file transfers."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from qai_hub_api.client import Client as GeneratedClient
from qai_hub_api.errors import ApiError

from qai_hub.config.model import is_official_host
from qai_hub.display.text import short_repr
from qai_hub.errors import InvalidValueError
from qai_hub.http_library import httpx
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.server_clock import clock_lead
from qai_hub.transport.session import request_limits
from qai_hub.transport.setup import api_session, async_api_session, network_environment

if TYPE_CHECKING:
    from qai_hub.config import ClientConfig
    from qai_hub.transfer.files import FileTransfer
    from qai_hub.transport.async_session import AsyncSession

__all__ = [
    "AsyncCaller",
    "Caller",
    "Connection",
    "call_operation",
    "call_operation_async",
    "is_official",
    "resolve_wire",
]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def is_official(config: ClientConfig) -> bool:
    """Returns whether a configuration is for the official service.

    Args:
        config: The configuration.

    Returns:
        Whether it is for the official service.
    """
    return is_official_host(urlsplit(config.api_url).hostname or "")


def resolve_wire(config: ClientConfig) -> Literal["json", "protobuf"]:
    """Returns the wire format that a configuration's server expects.

    Args:
        config: The configuration.

    Returns:
        The wire format.
    """
    if config.wire != "auto":
        return config.wire
    return "protobuf" if is_official(config) else "json"


class Caller(Protocol):
    """The hook that each call of an operation goes through."""

    def _api_call(self, api_func: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401
        """Calls a function with the configuration as its first argument."""


class AsyncCaller(Protocol):
    """The hook that each call of an operation goes through in an event loop."""

    async def _api_call(
        self,
        api_func: Callable[..., Awaitable[T]],
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> T:
        """Calls a coroutine function with the configuration as its first argument."""


class Connection:
    """Sends requests for one configuration.

    Sockets belong to the process: all connections with the same server and token share them, across
    threads.

    Args:
        config: The configuration, read anew at each request.
        caller: The hook that each call of an operation goes through, looked up at each call; None
            calls the operation directly.
    """

    def __init__(self, config: ClientConfig, caller: Caller | None = None) -> None:
        self.config = config
        self.caller = caller

    def call(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls an operation of the API.

        Args:
            operation: A function of the generated client, which takes the client first.
            args: Positional arguments after the client.
            kwargs: Keyword arguments.

        Returns:
            What the operation returns.

        Raises:
            UserError: If the request is refused, or the configuration is incomplete.
            RateLimitedError: If the server limits the rate of requests.
            InternalError: If the server or the network fails.
        """
        if self.caller is None:
            return call_operation(self.config, operation, *args, **kwargs)
        answer: R = self.caller._api_call(call_operation, operation, *args, **kwargs)
        return answer

    async def call_async(
        self,
        operation: Callable[Concatenate[GeneratedClient, P], Awaitable[R]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Calls an operation of the API in an event loop, with the retries of `call`.

        Args:
            operation: A coroutine function of the generated client, which takes the client first.
            args: Positional arguments after the client.
            kwargs: Keyword arguments.

        Returns:
            What the operation returns.

        Raises:
            UserError: If the request is refused, or the configuration is incomplete.
            RateLimitedError: If the server limits the rate of requests.
            InternalError: If the server or the network fails.
        """
        return await call_operation_async(self.config, operation, *args, **kwargs)

    def keep_open(self) -> AbstractAsyncContextManager[object]:
        """Keeps connections of this event loop open for a block of `call_async` calls.

        Returns:
            The context.

        Raises:
            UserError: If the configuration is incomplete.
        """
        return _lease_async(self.config)

    def request_limits(self, *, retry_rate_limit: bool) -> AbstractContextManager[None]:
        """Sets, for a block, how to react when the server asks to slow down.

        Args:
            retry_rate_limit: Whether to retry until the request is served, or not to retry at all.

        Returns:
            The context.
        """
        return request_limits(retry_rate_limit=retry_rate_limit)

    def single_request(self, time_limit: float) -> AbstractContextManager[None]:
        """Sends the requests of a block once, without retries, in an event loop too.

        Args:
            time_limit: Maximum seconds to wait for the answer.

        Returns:
            The context.
        """
        return request_limits(time_limit=time_limit)

    @property
    def clock_lead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's; 0 if that is not known."""
        return clock_lead(self.config.api_url)

    @property
    def files(self) -> FileTransfer:
        """Transfers files to and from signed URLs."""
        from qai_hub.transfer.files import FileTransfer

        return FileTransfer(show=self.config.verbose)

    def close(self) -> None:
        """Closes the connections; the next request opens new ones."""
        SESSIONS.close(_key(self.config, resolve_wire(self.config)))


def call_operation(
    config: ClientConfig,
    operation: Callable[Concatenate[GeneratedClient, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Calls an operation of the API, as `Connection.call` does.

    Args:
        config: The configuration.
        operation: A function of the generated client, which takes the client first.
        args: Positional arguments after the client.
        kwargs: Keyword arguments.

    Returns:
        What the operation returns.
    """
    wire = resolve_wire(config)
    make = functools.partial(api_session, config, wire)
    with SESSIONS.lease(_key(config, wire), make, network_environment()) as session:
        client = GeneratedClient(base_url=config.api_url).set_httpx_client(session)
        with _converted_errors(config):
            return operation(client, *args, **kwargs)


async def call_operation_async(
    config: ClientConfig,
    operation: Callable[Concatenate[GeneratedClient, P], Awaitable[R]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Calls an operation of the API in an event loop, as `Connection.call_async` does.

    Args:
        config: The configuration.
        operation: A coroutine function of the generated client, which takes the client first.
        args: Positional arguments after the client.
        kwargs: Keyword arguments.

    Returns:
        What the operation returns.
    """
    async with _lease_async(config) as session:
        client = GeneratedClient(base_url=config.api_url).set_async_httpx_client(session)
        with _converted_errors(config):
            return await operation(client, *args, **kwargs)


def _key(config: ClientConfig, wire: str) -> tuple[str, str, str]:
    return config.api_url, config.api_token, wire


@contextlib.contextmanager
def _converted_errors(config: ClientConfig) -> Iterator[None]:
    """Converts the generated client's exceptions into the errors that users see."""
    try:
        yield
    except ApiError as error:
        from qai_hub.transport.errors import error_from_response

        raise error_from_response(
            error.status_code,
            error.headers,
            error.content,
            error.method,
            error.url,
            config=config,
        ) from error
    except httpx.RequestError as error:
        from qai_hub.transport.errors import error_from_request_error

        # The message has what its traceback of a hundred lines would tell.
        raise error_from_request_error(error, config=config) from None
    except (httpx.InvalidURL, UnicodeEncodeError) as error:
        raise InvalidValueError(f"An argument cannot be sent: {_describe(error)}.") from error


def _describe(error: httpx.InvalidURL | UnicodeEncodeError) -> str:
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        part = short_repr(error.object[error.start : error.end])
        return f"{part} in it is no text, but stands for bytes that are not UTF-8"
    return str(error)


def _lease_async(config: ClientConfig) -> AbstractAsyncContextManager[AsyncSession]:
    from qai_hub.transport.async_session import ASYNC_SESSIONS

    wire = resolve_wire(config)
    make = functools.partial(async_api_session, config, wire)
    return ASYNC_SESSIONS.lease((*_key(config, wire), network_environment()), make)
