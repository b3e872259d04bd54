"""`util.session`: HTTP clients for scripts, and the time limit of transfers that they raise."""

import sys
from types import ModuleType
from typing import Literal

import httpx

from qai_hub.transfer.files import FILES
from qai_hub.transport.pool import SESSIONS
from qai_hub.transport.retry import RetryPolicy
from qai_hub.transport.session import Session
from qai_hub.transport.setup import TRANSFER_READ_LIMIT, wait_longer_for_files

__all__ = ["EXTERNAL_RESPONSE_TIMEOUT_SECONDS", "create_session", "listen_to"]

EXTERNAL_RESPONSE_TIMEOUT_SECONDS = TRANSFER_READ_LIMIT
"""Seconds that a file transfer waits for the next bytes. Scripts assign larger values."""


def create_session(
    internal_retries: bool = True,
    response_timeout_seconds: float = 28,
    client_mode: Literal["library", "cli"] = "library",
) -> Session:
    """Creates an HTTP client that retries requests where that is safe.

    It has the methods of an httpx client; `get`, `post` and `put` are called as in requests.

    Args:
        internal_retries: Whether to retry requests.
        response_timeout_seconds: Seconds to wait for the next bytes of a response.
        client_mode: Whether a program or the command line uses the client.

    Returns:
        The client; close it after use.
    """
    return Session(
        policy=RetryPolicy() if internal_retries else RetryPolicy(tries=1),
        timeout=httpx.Timeout(response_timeout_seconds, connect=5.0),
        follow_redirects=True,
    )


class _Listening(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name == "EXTERNAL_RESPONSE_TIMEOUT_SECONDS" and isinstance(value, int | float):
            wait_longer_for_files(value)
            SESSIONS.close(FILES)


def listen_to(module: str) -> None:
    """Applies the time limit that a script assigns in a module, if it is longer than the default.

    Args:
        module: Name of the module.
    """
    sys.modules[module].__class__ = _Listening
