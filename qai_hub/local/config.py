"""The configuration of a hub: read by `qai-hub serve`, by `LocalHub` and by the scheduler."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

from qai_hub.local.executor_address import LOCAL_EXECUTOR, parse_executor
from qai_hub.local.limits import ServerLimits

DEFAULT_USER = "user@localhost"

HOST_NAME = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._-]+", re.ASCII | re.IGNORECASE)
"""A host in a `Host` header, without its port."""

Users = Mapping[str, str | None] | Iterable[str] | None
"""Tokens by e-mail address, or addresses alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a hub keeps what it does not keep indefinitely.

    Attributes:
        signatures: How long a signed URL is valid.
        datasets: How long a dataset can be used, unless it is permanent.
        uploads: How long an unfinished upload may be resumed.
        answers: How long the response to a request with an idempotency key is kept.
        quarantine: Minimum time that files stay in the quarantine before they are deleted.
    """

    signatures: timedelta = timedelta(hours=1)
    datasets: timedelta = timedelta(days=30)
    uploads: timedelta = timedelta(days=1)
    answers: timedelta = timedelta(hours=24)
    quarantine: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) <= timedelta(0):
                raise ValueError(f"retention.{each.name} must be more than 0 seconds")


DEFAULT_RETENTION = Retention()


def count_cores() -> int:
    """Return the number of processor cores of this machine."""
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """All settings of a hub.

    Attributes:
        data_dir: Folder that stores all data; if None, a temporary one that is deleted at the end.
        database: URL of a PostgreSQL database, which any number of processes may use. They must
            share the data folder, too, which then stores files only. If None, the database is in
            the data folder, and only one process uses it.
        lease: Seconds after which other processes take up the jobs of one that is not heard of.
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        users: E-mail addresses and tokens of the users that this start names; None for a token that
            is not given. Both are checked when the hub starts.
        keep_users: Whether users that an earlier start named keep their access.
        allowed_hosts: Additional host names that requests may be addressed to.
        max_parallel_jobs: Jobs that this process runs at once; 0 to leave all to other processes,
            with a database that they use as well. Beyond these, users without a running job may
            have one each; there are as many of these extra places again, and at least 8.
        executor: Where jobs run: `local` for processes of this machine, or `dask:` and the address
            of a Dask scheduler whose workers share the data folder, as in `dask:tcp://host:8786`.
        job_timeout: Seconds that a job may run before it fails.
        memory_limit: Address space that a job may use, in bytes; None for no limit.
        cache: Whether a target model that was made before is reused.
        check_targets: Whether target models for QNN are compared with their source models in
            simulation.
        analyze_layers: Whether quantize jobs measure the layers of their models.
        warm_workers: Whether jobs are forked from a process that has imported everything, where the
            system allows it (Linux); otherwise each is a program of its own.
        max_queued_jobs: Jobs that one user may have in the queue.
        max_unfinished_uploads: Unfinished uploads that one user may have.
        part_size: Size of the parts of uploads, in bytes.
        validate_responses: Whether a response that violates the contract is replaced by a 500.
        limits: Limits on connections; if None, derived from the limit of open files.
        retention: How long things are kept.

    Raises:
        TypeError: A value is not a number, or not a whole one.
        ValueError: A value is out of its range, a host is more than a name, or a setting is
            given without the one that it needs.

    Examples:
        >>> from qai_hub.local.config import HubConfig
        >>> HubConfig(port=8642, max_parallel_jobs=2).job_timeout
        3600.0
    """

    data_dir: Path | None = None
    database: str | None = field(default=None, repr=False)
    lease: float = 20.0
    host: str = "127.0.0.1"
    port: int = 0
    users: tuple[tuple[str, str | None], ...] = field(default=((DEFAULT_USER, None),), repr=False)
    keep_users: bool = False
    allowed_hosts: tuple[str, ...] = ()
    max_parallel_jobs: int = field(default_factory=count_cores)
    executor: str = LOCAL_EXECUTOR
    job_timeout: float = 3600.0
    memory_limit: int | None = None
    cache: bool = True
    check_targets: bool = True
    analyze_layers: bool = True
    warm_workers: bool = True
    max_queued_jobs: int = 10_000
    max_unfinished_uploads: int = 1_000
    part_size: int = 64 << 20
    validate_responses: bool = False
    limits: ServerLimits | None = None
    retention: Retention = DEFAULT_RETENTION

    def __post_init__(self) -> None:
        for name in _RANGES:
            check_range(name, getattr(self, name))
        if parse_executor(self.executor) is not None and self.data_dir is None:
            raise ValueError("data_dir must be a folder that the Dask workers share")
        if self.database is not None and self.data_dir is None:
            raise ValueError("data_dir must be a folder that all processes of the database share")
        if self.database is None and self.max_parallel_jobs == 0:
            raise ValueError("max_parallel_jobs must be 1 or more, unless there is a database")
        for host in self.allowed_hosts:
            if not HOST_NAME.fullmatch(host):
                raise ValueError(
                    f"allowed_hosts must be names without scheme, port and path, not {host!r}"
                )

    @property
    def durable(self) -> bool:
        """Whether acknowledged changes survive a power cut."""
        return self.data_dir is not None


_MAX_NUMBER = 10**9
# The minimum and maximum of each number.
_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "lease": (0.1, 86_400),
    "max_parallel_jobs": (0, 10_000),
    "job_timeout": (0.001, _MAX_NUMBER),
    "memory_limit": (1, 2**50),
    "max_queued_jobs": (1, _MAX_NUMBER),
    "max_unfinished_uploads": (1, _MAX_NUMBER),
    "part_size": (1, 1 << 40),
}
_FLOAT_FIELDS = frozenset({"job_timeout", "lease"})
_OPTIONAL_FIELDS = frozenset({"memory_limit"})


def check_range(name: str, value: object, unit: int = 1) -> None:
    """Check that the number of one setting is in its range.

    Args:
        name: The setting, a field of `HubConfig`.
        value: Its value, counted in `unit`.
        unit: How many units of the field one unit of `value` is.

    Raises:
        TypeError: It is not a number, or has a fraction that the setting cannot have.
        ValueError: The number is out of its range.
    """
    if value is None and name in _OPTIONAL_FIELDS:
        return
    is_float = name in _FLOAT_FIELDS
    if isinstance(value, bool) or not isinstance(value, Real if is_float else Integral):
        kind = "a number" if is_float else "a whole number"
        raise TypeError(f"{name} must be {kind}, not {value!r}")
    low, high = _RANGES[name]
    number = cast("float", value) * unit
    # Written this way round because NaN must be out of every range.
    if low <= number <= high:
        return
    if unit != 1:
        low, high = -(-low // unit), high // unit
    if number > high * unit:
        raise ValueError(f"{name} must be {high} or less")
    raise ValueError(f"{name} must be {low} or more")


def normalize_hosts(names: Iterable[str]) -> tuple[str, ...]:
    """Return host names in the form that `HubConfig` holds.

    Raises:
        TypeError: It is a single name.
    """
    # Iterating over it would yield its characters.
    if isinstance(names, str):
        raise TypeError("allowed_hosts must be a list of host names, not a single one")
    return tuple(names)


def normalize_users(users: Users) -> tuple[tuple[str, str | None], ...]:
    """Return users in the form that `HubConfig` holds; the default user if there are none.

    Args:
        users: Tokens by e-mail address, or addresses alone.

    Raises:
        TypeError: It is a single address.
    """
    if isinstance(users, str):
        raise TypeError("users must be a list of addresses, or tokens by address, not a single one")
    pairs: Iterable[tuple[str, Any]] = (
        users.items() if isinstance(users, Mapping) else ((each, None) for each in users or ())
    )
    return tuple(pairs) or ((DEFAULT_USER, None),)
