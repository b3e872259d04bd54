"""Logs for machines: one JSON object a line, which tells what the line is about."""

import json
import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType

_about: ContextVar[Mapping[str, str | int]] = ContextVar("about", default=MappingProxyType({}))

# The queries of signed URLs, passwords in URLs of databases, and tokens in headers.
_SECRETS = (
    (re.compile(r"((?:https?:/|/api)/[^\s?'\"]*\?)[^\s'\"]+"), r"\1…"),
    (re.compile(r"(://[^\s:/@]*:)[^\s/@]+@"), r"\1…@"),
    (re.compile(r"(authorization\W{1,6}\w+\s+)[^\s'\"]+", re.IGNORECASE), r"\1…"),
)


@contextmanager
def logging_about(**fields: str | int) -> Iterator[None]:
    """Have lines that this thread or task logs tell what they are about.

    Args:
        fields: Such as `request_id` or `job_id`.
    """
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object in one line, without secrets.

    Its members are `time`, `level`, `logger`, `message`, `node`, the machine and process number,
    and if they are known `request_id`, `job_id`, `attempt`, `trace_id` and `span_id`; `exception`
    is a traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._node = f"{socket.gethostname()}:{os.getpid()}"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, str | int] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _redact(record.getMessage()),
            "node": self._node,
            **_about.get(),
        }
        if record.exc_info:
            line["exception"] = _redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _redact(text: str) -> str:
    for pattern, kept in _SECRETS:
        text = pattern.sub(kept, text)
    return text
