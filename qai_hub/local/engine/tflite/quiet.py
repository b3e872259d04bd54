"""Keeps the progress bars of tools out of the log of a job."""

import contextlib
import io
import logging
import re
from collections.abc import Iterator

logger = logging.getLogger(__name__)

_BAR = re.compile(r"\d+%\||it/s|s/it")
_MOST_LINES = 100


@contextlib.contextmanager
def logged_output() -> Iterator[None]:
    """Write what a tool prints to the log, without progress bars, when the tool has ended."""
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    finally:
        lines = [line.strip() for line in re.split(r"[\r\n]+", output.getvalue())]
        for line in [line for line in lines if line and not _BAR.search(line)][-_MOST_LINES:]:
            logger.info("%s", line)
