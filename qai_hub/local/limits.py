"""Limits on connections: how many there may be, and how much time and data each may take."""

import sys
from dataclasses import dataclass
from typing import Self

if sys.platform != "win32":
    import resource

# More than any hub needs. With a huge limit, subprocesses would be slow to start.
_MAX_FILES = 65_536
# Open in any case: modules, the database, the log.
_BASE_FILES = 48
# A database connection uses three files, and the request that it serves one more.
_FILES_PER_THREAD = 4
# Pipes to a worker and its log, and the database connection while the job ends.
_FILES_PER_JOB = 8
_FILES_WITHOUT_LIMIT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """Limits on a hub's connections, in total and for each one.

    Attributes:
        connections: Connections that are served at once. A new one replaces an idle one.
        refusals: Connections beyond these that are answered with 503; any more are closed.
        waits: Requests that may wait for the end of a job at the same time; others are answered at
            once.
        threads: Requests that may work on the database or on files at the same time.
        head_bytes: Maximum size of the request line and the headers, in bytes.
        head_seconds: Seconds that these may take to arrive.
        stall_seconds: Seconds that a body may stall.
        idle_seconds: Seconds that a connection is kept between two requests: longer than clients
            keep theirs, so that the client closes it.
        send_seconds: Seconds that a client may go without reading any of its response.
        drained_bytes: How much more of a body is read, in bytes, after it was refused, so that the
            client gets to read the reason.
        drained_seconds: Seconds that this may take.

    Examples:
        >>> from qai_hub.local import LocalHub
        >>> from qai_hub.local.limits import ServerLimits
        >>> limits = ServerLimits(connections=100, refusals=10, waits=50, threads=8)
        >>> small = LocalHub(limits=limits)
    """

    connections: int
    refusals: int
    waits: int
    threads: int
    head_bytes: int = 32 << 10
    head_seconds: float = 20.0
    stall_seconds: float = 30.0
    idle_seconds: float = 75.0
    send_seconds: float = 30.0
    drained_bytes: int = 64 << 20
    drained_seconds: float = 10.0

    @classmethod
    def within(cls, files: int, jobs: int) -> Self:
        """Return limits that leave enough open files for everything else.

        Args:
            files: Number of files that this process may have open.
            jobs: Number of jobs that run at once.

        Returns:
            The limits.

        Examples:
            >>> from qai_hub.local.limits import ServerLimits
            >>> ServerLimits.within(1024, jobs=4).connections
            343
        """
        threads = max(4, min(40, files // 16))
        reserved = _BASE_FILES + _FILES_PER_THREAD * threads + _FILES_PER_JOB * jobs
        # Half of them, as a request may also have a file open that is sent or written.
        total = max(12, (files - reserved) // 2)
        refusals = min(256, max(4, total // 8))
        connections = total - refusals
        return cls(
            connections=connections,
            refusals=refusals,
            waits=min(4096, connections // 2),
            threads=threads,
        )


def raise_open_file_limit() -> int:
    """Raise this process's limit of open files as far as the system allows without privileges.

    Returns:
        The number of files that it may have open now.
    """
    if sys.platform == "win32":
        return _FILES_WITHOUT_LIMIT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MAX_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # macOS reports no limit but has one.
        return soft
    return wanted
