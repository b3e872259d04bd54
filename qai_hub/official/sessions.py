"""`util.session`: an HTTP client of its own, and the time limit that scripts raise."""

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
"""Seconds that a transfer of a file waits for the next bytes. Scripts assign larger ones."""


def create_session(
    internal_retries: bool = True,
    response_timeout_seconds: float = 28,
    client_mode: Literal["library", "cli"] = "library",
) -> Session:
    """Makes an HTTP client that sends again what is safe to send again.

    Its `get`, `post` and `put` are those of httpx, which are called as those of requests are.

    Args:
        internal_retries: Whether it sends again.
        response_timeout_seconds: Seconds to wait for the next bytes of an answer.
        client_mode: Whether a program or the command line asks.

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
    """Makes a time limit that is assigned in a module take effect, if it is a longer one.

    Args:
        module: Name of the module.
    """
    sys.modules[module].__class__ = _Listening
