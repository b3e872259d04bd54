"""The configuration of a hub: read by `qai-hub serve`, by `LocalHub` and by the scheduler."""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from qai_hub.local.engines.catalog import ENGINES
from qai_hub.local.executor_address import LOCAL_EXECUTOR, parse_executor
from qai_hub.local.limits import ServerLimits

DEFAULT_USER = "user@localhost"

HOST_NAME = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9._-]+", re.ASCII | re.IGNORECASE)
"""A host in a `Host` header, without its port."""

LABELS = ("big", "qnn", "tflite", "torch", *(engine.label for engine in ENGINES.values()))
"""What a job may need of the process that runs it, beyond ONNX Runtime."""

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
        quarantine: Minimum time that files stay in the quarantine before they are deleted, and
            those of expired datasets before a running hub deletes them.
        jobs: How long jobs are kept that have ended, with what they have made; None for ever.
        models: How long models are kept that users have uploaded and no job has; None for ever.
        sign_in_links: How long a link can sign a browser in.
        sessions: How long a browser stays signed in.
    """

    signatures: timedelta = timedelta(hours=1)
    datasets: timedelta = timedelta(days=30)
    uploads: timedelta = timedelta(days=1)
    answers: timedelta = timedelta(hours=24)
    quarantine: timedelta = timedelta(days=7)
    jobs: timedelta | None = None
    models: timedelta | None = None
    sign_in_links: timedelta = timedelta(minutes=10)
    sessions: timedelta = timedelta(days=14)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None and value <= timedelta(0):
                raise ValueError(f"retention.{each.name} must be more than 0 seconds")


DEFAULT_RETENTION = Retention()

_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who vouches for users, beside the hub's own tokens.

    Attributes:
        trusted_proxies: Networks, such as `10.0.0.0/8`, of the proxies that sign users in.
        user_header: The header in which these send the e-mail address of the user. They must remove
            it from the requests of clients.
        issuer: The issuer of OpenID Connect whose tokens are accepted.
        audience: Whom these tokens must be for.
        email_claim: The claim of these tokens that has the e-mail address of the user.
        domains: The domains of the addresses that may sign in so; any if there are none.
        create_users: Whether who signs in so for the first time becomes a user. Others must have
            been added before.

    Raises:
        ValueError: A value is not what it should be, or one that belongs to another is missing.
    """

    trusted_proxies: tuple[str, ...] = ()
    user_header: str = ""
    issuer: str = ""
    audience: str = ""
    email_claim: str = "email"
    domains: tuple[str, ...] = ()
    create_users: bool = False

    def __post_init__(self) -> None:
        for each in self.trusted_proxies:
            try:
                ipaddress.ip_network(each)
            except ValueError as error:
                raise ValueError(
                    f"trusted_proxies must be networks such as 10.0.0.0/8: {error}"
                ) from None
        if self.user_header and not _HEADER_NAME.fullmatch(self.user_header):
            raise ValueError(f"user_header must be the name of a header, not {self.user_header!r}")
        if bool(self.trusted_proxies) != bool(self.user_header):
            raise ValueError("trusted_proxies and user_header must be given together")
        if bool(self.issuer) != bool(self.audience):
            raise ValueError("issuer and audience must be given together")
        if self.issuer and urlsplit(self.issuer).scheme != "https" and not _is_here(self.issuer):
            raise ValueError("issuer must be a URL with https")
        if self.issuer and self.create_users and not self.domains:
            raise ValueError("domains must say who may become a user, as anybody may have a token")


def _is_here(url: str) -> bool:
    """Return whether a URL is one of this machine, by plain HTTP."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")


NO_SIGN_IN = SignIn()


def count_cores() -> int:
    """Return the number of processor cores of this machine."""
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """All settings of a hub.

    Attributes:
        data_dir: Folder that stores all data; if None, a temporary one that is deleted at the end.
        database: URL of a PostgreSQL database, which any number of processes may use. They must
            share the data folder, too, which then stores files only, unless `files` is given. If
            None, the database is in the data folder, and only one process uses it.
        files: URL of a bucket on S3-compatible object storage, `s3://BUCKET/PREFIX`, with
            `?endpoint=URL` for one other than Amazon's and `region=NAME`, where all processes of a
            database have their files. Credentials come from the environment, as for all tools of
            Amazon's. If None, files are in the data folder; otherwise each machine has a data
            folder of its own, for what it is working on.
        file_cache_size: Size of the files from `files` that a machine keeps on its disk for later
            jobs, in bytes.
        lease: Seconds after which other processes take up the jobs of one that is not heard of.
        labels: What this process offers to jobs, among `LABELS`, where several share a database:
            `qnn`, `tflite` and `torch` for those that need these extras, `engine-NAME` for those
            that need an engine, `big` for those with big inputs. If None, all that this machine
            can. It runs no jobs that need another.
        big_input: Size in bytes above which the input of a job is big.
        host: Address to listen on.
        port: TCP port; 0 for any free one.
        users: E-mail addresses and tokens of the users that this start names; None for a token that
            is not given. Both are checked when the hub starts. None with a database: its users, or
            `user@localhost` if it has none.
        keep_users: Whether users that an earlier start named keep their access; with a database,
            they always do.
        allowed_hosts: Additional host names that requests may be addressed to.
        max_parallel_jobs: Jobs that this process runs at once; 0 to leave all to other processes,
            with a database that they use as well. Beyond these, users without a running job may
            have one each; there are as many of these extra places again, and at least 8.
        executor: Where jobs run: `local` for processes of this machine, or `dask:` and the address
            of a Dask scheduler whose workers share the data folder, as in `dask:tcp://host:8786`,
            also where files are elsewhere.
        job_timeout: Seconds that a job may run before it fails.
        memory_limit: Address space that a job may use, in bytes; None for no limit.
        cache: Whether a target model that was made before is reused.
        check_targets: Whether target models for QNN and TensorFlow Lite are compared with their
            source models.
        analyze_layers: Whether quantize jobs measure the layers of their models.
        strict_versions: Whether a job fails that names a version of QAIRT which this hub does not
            have; otherwise it gets the nearest one, and a notice says so.
        warm_workers: Whether jobs are forked from a process that has imported everything, where the
            system allows it (Linux); otherwise each is a program of its own.
        max_queued_jobs: Jobs that one user may have in the queue.
        max_unfinished_uploads: Unfinished uploads that one user may have.
        max_storage: Size of what one user may store, in bytes; None for no limit.
        max_creations: Jobs, models and datasets that one user may create in a minute, and at once;
            None for no limit. `qai-hub users limit` sets other limits for some users.
        part_size: Size of the parts of uploads, in bytes.
        metrics: Whether metrics are served, at `/metrics`. A process that only runs jobs then
            listens on `host` and `port` as well, for these and for its probes.
        traces: Whether traces are sent, as OpenTelemetry's environment variables say.
        validate_responses: Whether a response that violates the contract is replaced by a 500.
        sign_in: Who vouches for users, beside the hub's own tokens.
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
    files: str | None = field(default=None, repr=False)
    file_cache_size: int = 20 << 30
    lease: float = 20.0
    labels: tuple[str, ...] | None = None
    big_input: int = 1 << 30
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
    strict_versions: bool = False
    warm_workers: bool = True
    max_queued_jobs: int = 10_000
    max_unfinished_uploads: int = 1_000
    max_storage: int | None = None
    max_creations: int | None = None
    part_size: int = 64 << 20
    metrics: bool = False
    traces: bool = False
    validate_responses: bool = False
    sign_in: SignIn = NO_SIGN_IN
    limits: ServerLimits | None = None
    retention: Retention = DEFAULT_RETENTION

    def __post_init__(self) -> None:
        if self.database is None:
            check_range("max_parallel_jobs", self.max_parallel_jobs, low=1)
        elif self.data_dir is None:
            raise ValueError("data_dir must be a folder that all processes of the database share")
        for name in _RANGES:
            check_range(name, getattr(self, name))
        self._check_sharing()
        for host in self.allowed_hosts:
            if not HOST_NAME.fullmatch(host):
                raise ValueError(
                    f"allowed_hosts must be names without scheme, port and path, not {host!r}"
                )

    def _check_sharing(self) -> None:
        """Check what processes of one hub share."""
        for label in self.labels or ():
            if label not in LABELS:
                raise ValueError(f"labels must be among {', '.join(LABELS)}, not {label!r}")
        if self.files is not None and self.database is None:
            raise ValueError("files on object storage need a database that others can use as well")
        if self.files is not None and self.part_size < _MIN_OBJECT_PART:
            raise ValueError(
                f"part_size must be {_MIN_OBJECT_PART} or more: object storage takes no smaller "
                "parts"
            )
        if parse_executor(self.executor) is not None and self.data_dir is None:
            raise ValueError("data_dir must be a folder that the Dask workers share")

    @property
    def durable(self) -> bool:
        """Whether acknowledged changes survive a power cut."""
        return self.data_dir is not None


_MAX_NUMBER = 10**9
# The minimum size of all parts but the last that object storage accepts, in bytes.
_MIN_OBJECT_PART = 5 << 20
# The minimum and maximum of each number.
_RANGES: Mapping[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "lease": (0.1, 86_400),
    "big_input": (1, 2**50),
    "max_parallel_jobs": (0, 10_000),
    "job_timeout": (0.001, _MAX_NUMBER),
    "memory_limit": (1, 2**50),
    "file_cache_size": (0, 1 << 50),
    "max_queued_jobs": (1, _MAX_NUMBER),
    "max_unfinished_uploads": (1, _MAX_NUMBER),
    "max_storage": (1, 2**60),
    "max_creations": (1, 1_000_000),
    "part_size": (1, 1 << 40),
}
_FLOAT_FIELDS = frozenset({"job_timeout", "lease"})
_OPTIONAL_FIELDS = frozenset({"memory_limit", "max_storage", "max_creations"})


def check_range(name: str, value: object, unit: int = 1, *, low: float | None = None) -> None:
    """Check that the number of one setting is in its range.

    Args:
        name: The setting, a field of `HubConfig`.
        value: Its value, counted in `unit`.
        unit: How many units of the field one unit of `value` is.
        low: The minimum, if it is not the setting's own.

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
    lowest, high = _RANGES[name]
    low = lowest if low is None else low
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
