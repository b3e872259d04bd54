"""What the processes of a hub take: processor time, memory, statements, requests."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from os import sysconf
from pathlib import Path

from team.cluster import Cluster

_TICKS = sysconf("SC_CLK_TCK")
# What `proc(5)` calls them, counted from the field after the name.
_PARENT, _TIMES = 1, slice(11, 15)
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True)
class Usage:
    """What was taken so far.

    Attributes:
        processor: Processor time in seconds, by role.
        sent: Statements to the database and requests to an object storage.
        transactions: Transactions of the database; those of the last second may be missing.
    """

    processor: Mapping[str, float]
    sent: Counter[str]
    transactions: int

    @classmethod
    def of(cls, cluster: Cluster) -> "Usage":
        """Returns what a hub has taken so far."""
        processor = defaultdict[str, float](float)
        families = _Families()
        for role, pid in _get_processes(cluster):
            processor[role] += families.get_processor_time(pid)
        sent = Counter[str]()
        for member in cluster.members:
            sent += member.count_sent()
        return cls(processor, sent, cluster.query(_COMMITS))

    def per_job(self, before: "Usage", jobs: int) -> dict[str, object]:
        """Returns what a job has taken since an earlier look."""
        return {
            "processor ms a job": {
                role: 1e3 * (spent - before.processor.get(role, 0.0)) / jobs
                for role, spent in self.processor.items()
            },
            "transactions a job": (self.transactions - before.transactions) / jobs,
            "statements a job": (self.sent["statements"] - before.sent["statements"]) / jobs,
            "requests a job": (self.sent["requests"] - before.sent["requests"]) / jobs,
        }


def measure_memory(cluster: Cluster) -> dict[str, float]:
    """Returns the memory of the largest process of each role, with its children, in MiB.

    Pages that several processes share are divided among them.
    """
    memory = defaultdict[str, float](float)
    families = _Families()
    for role, pid in _get_processes(cluster):
        memory[role] = max(memory[role], families.get_memory(pid))
    return dict(memory)


def _get_processes(cluster: Cluster) -> list[tuple[str, int]]:
    """Returns role and number of each process that the hub consists of."""
    return [
        ("database", cluster.server.pid),
        *((member.role, member.get_pid()) for member in cluster.members),
        *((server.role, server.get_pid()) for server in cluster.services.servers),
    ]


class _Families:
    """All processes of this machine, each with its children, as they are now."""

    def __init__(self) -> None:
        self._stats: dict[int, list[str]] = {}
        self._children = defaultdict[int, list[int]](list)
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    text = (folder / "stat").read_text("utf-8", errors="replace")
                except OSError:
                    continue
                stat = self._stats[int(folder.name)] = text.rpartition(") ")[2].split()
                self._children[int(stat[_PARENT])].append(int(folder.name))

    def get_processor_time(self, pid: int) -> float:
        """Returns that of a process and its children, those that have ended included."""
        ticks = sum(sum(map(int, self._stats[each][_TIMES])) for each in self._walk(pid))
        return ticks / _TICKS

    def get_memory(self, pid: int) -> float:
        """Returns that of a process and its children, in MiB."""
        total = 0
        for each in self._walk(pid):
            try:
                lines = Path(f"/proc/{each}/smaps_rollup").read_text("ascii").splitlines()
            except OSError:
                continue
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total / 1024

    def _walk(self, pid: int) -> list[int]:
        found = [pid]
        for each in found:
            found += self._children[each]
        return found
