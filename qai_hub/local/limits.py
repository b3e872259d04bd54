"""How much of this machine's files and time connections may take."""

import sys
from dataclasses import dataclass
from typing import Self

if sys.platform != "win32":
    import resource

# More than any hub needs; a limit without end would make subprocesses slow to start.
_MOST_FILES = 65_536
# What the hub has open whether or not anybody asks for anything: modules, its database, its log.
_ALWAYS_OPEN = 48
# A database connection has three files, and the request that it serves one of its own.
_PER_THREAD = 4
# Pipes to a worker and its log, and the database while the job ends.
_PER_JOB = 8
_WITHOUT_LIMIT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What a hub bears with, of all its connections and of each.

    Attributes:
        connections: Connections that are served at once. A new one takes the place of one that is
            idle.
        refusals: Connections beyond those that are answered 503; what comes then is closed.
        waits: Requests at once that wait for the end of a job; others are answered at once.
        threads: Requests at once that work on the database or on files.
        head_bytes: Most bytes of the request line and the headers.
        head_seconds: How long these may take to come.
        stall_seconds: How long a body may stand still.
        idle_seconds: How long a connection is kept between two requests: longer than clients keep
            theirs, so that it is they who close it.
        send_seconds: How long a client may read nothing of its answer.
        drained_bytes: How much more of a body is taken in after it has been refused, so that its
            sender gets to read why.
        drained_seconds: For how long.

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
        """Return limits that leave enough files for everything else.

        Args:
            files: How many this process may have open.
            jobs: How many jobs run at once.

        Returns:
            The limits.

        Examples:
            >>> from qai_hub.local.limits import ServerLimits
            >>> ServerLimits.within(1024, jobs=4).connections
            343
        """
        threads = max(4, min(40, files // 16))
        others = _ALWAYS_OPEN + _PER_THREAD * threads + _PER_JOB * jobs
        # Half of them, since a request may have a file of its own open, to be sent or written.
        places = max(12, (files - others) // 2)
        refusals = min(256, max(4, places // 8))
        connections = places - refusals
        return cls(
            connections=connections,
            refusals=refusals,
            waits=min(4096, connections // 2),
            threads=threads,
        )


def raise_open_files() -> int:
    """Let this process open as many files as the system allows without asking.

    Returns:
        How many it may have open now.
    """
    if sys.platform == "win32":
        return _WITHOUT_LIMIT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _MOST_FILES if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # macOS names no limit and has one.
        return soft
    return wanted
