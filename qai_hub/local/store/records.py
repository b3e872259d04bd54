"""Records of the database's rows, and their identifiers."""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

LONG_ID = 16
"""Characters of ids that nobody types and files have as names: enough that none comes twice."""

_ALPHABET = string.ascii_lowercase + string.digits


def new_id(prefix: str, length: int = 8) -> str:
    """Return an identifier that cannot be guessed, such as ``jab12cd34``.

    It consists of a letter for the kind of object, then letters and digits from a secure source.
    Short ones come twice where there are hundreds of millions: see `insert_with_new_id`.
    """
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(length))


Origin = Literal["start", "added"]


@dataclass(frozen=True, slots=True)
class User:
    """A user, and the project that their resources belong to."""

    id: int
    email: str
    project_id: str
    project_slug: str


@dataclass(frozen=True, slots=True)
class UserLimits:
    """What one user may have and do at most; None for what the hub allows everybody.

    Attributes:
        queued_jobs: Jobs in the queue.
        storage: Size of what they store, in bytes.
        creations: Jobs, models and datasets that they create in a minute.
    """

    queued_jobs: int | None = None
    storage: int | None = None
    creations: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Whether a user has access, and with which tokens.

    Attributes:
        email: Their normalized address.
        origin: What gave them access last: a start of the hub that named them, or an administrator.
        active: Whether they have access.
        tokens: The digests of their tokens. Those of a user without access are kept in case they
            return.
        priority: Whoever has a higher one is served first.
        limits: What they may have and do at most.
    """

    email: str
    origin: Origin = "start"
    active: bool = True
    tokens: frozenset[str] = frozenset()
    priority: int = 0
    limits: UserLimits = UserLimits()


@dataclass(frozen=True, slots=True)
class File:
    """A stored file. `sha256` is in hex, or None until it is needed."""

    id: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Owned:
    """The common fields of models, datasets and jobs. `seq` increases with each new one."""

    seq: int
    id: str
    owner_id: int
    project_id: str
    name: str
    created: str


@dataclass(frozen=True, slots=True)
class ModelSummary(Owned):
    """What summaries of jobs tell of a model. `model_type` is None until a job has made it."""

    model_type: str | None


@dataclass(frozen=True, slots=True)
class Model(ModelSummary):
    """A model. While its file does not exist yet, `file_id` is None.

    `provenance` and `metadata` are what the job that made it reported about it; `source_id` is a
    file that this job stored with it for other jobs.
    """

    is_directory: bool
    file_id: str | None
    producer_id: str | None
    producer_attempt: int | None
    input_spec: Sequence[Mapping[str, Any]] | None
    output_spec: Sequence[Mapping[str, Any]] | None
    provenance: Mapping[str, Any] | None
    metadata: Mapping[str, str] | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class Dataset(Owned):
    """A dataset. `file_id` is None before its file exists; `expires` is None if it is permanent."""

    expires: str | None
    file_id: str | None


@dataclass(frozen=True, slots=True)
class JobSummary(Owned):
    """What lists tell of a job.

    `state` is a JobState; `kind` is compile, link, quantize, inference or profile.
    """

    kind: str
    device: Mapping[str, Any] | None
    state: str
    started: str | None
    completed: str | None
    updated: str
    execution_time: int | None
    peak_memory: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class Job(JobSummary):
    """A job.

    `failure_reason` reveals nothing about another job but its id; `cause_id` is the job whose
    failure caused this one's. A job is `ready` once its input models are there. Its `needs` are
    labels as they are stored; `node_id` is the process that runs it, where there are several;
    `traceparent` is the span that submitted it, in W3C's form. A `fresh` job makes its target model
    anew, though the cache may have the same.
    """

    options: str
    devices: Sequence[Mapping[str, Any]] | None
    input_specs: Sequence[Mapping[str, Any]] | None
    weights_dtype: str | None
    activations_dtype: str | None
    attempt: int
    losses: int
    failure_type: str
    failure_reason: str | None
    cause_id: str | None
    notices: Sequence[Mapping[str, str]] | None
    ready: bool
    node_id: str | None
    needs: str
    traceparent: str | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a job produced beside its result."""

    job_id: str
    type: str
    name: str
    file_id: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An unfinished upload for an object that belongs to `owner_id`.

    Sizes are in bytes; None if they are not known beforehand.
    """

    id: str
    object_id: str
    created: str
    size: int | None
    part_size: int | None
    owner_id: int | None = None
