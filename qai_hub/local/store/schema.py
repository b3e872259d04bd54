"""The tables of the hub's database."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    true,
)

from qai_hub.local.store.dialect import BigInt

# The version of this schema, to which `migrations` upgrades. A hub refuses a folder that a newer
# hub has written.
SCHEMA_VERSION = 4

metadata = MetaData()

settings = Table(
    "settings",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String, nullable=False, unique=True),
    # What gave them access last: a start of the hub that named them, or an administrator who added
    # them. Users without access keep their data.
    Column("origin", String, nullable=False, server_default="start"),
    Column("active", Boolean, nullable=False, server_default=true()),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", String, primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False, unique=True),
    Column("slug", String, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", String, primary_key=True),
    Column("size", BigInt, nullable=False),
    # SHA-256 in hex; null until it is needed.
    Column("sha256", String),
    Index("files_by_digest", "sha256"),
)

models = Table(
    "models",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("created", String, nullable=False),
    # Null for a model that a job has yet to make.
    Column("model_type", String),
    Column("is_directory", Boolean, nullable=False),
    Column("file_id", ForeignKey("files.id")),
    Column("producer_id", String),
    Column("producer_attempt", Integer),
    Column("input_spec", JSON),
    Column("output_spec", JSON),
    # How the job that made it did so: for jobs that use it, and for users; and a hidden file that
    # these jobs need.
    Column("provenance", JSON(none_as_null=True)),
    Column("metadata", JSON(none_as_null=True)),
    Column("source_id", ForeignKey("files.id")),
    Index("models_by_file", "file_id"),
    Index("models_by_owner", "owner_id", "seq"),
    Index("models_by_producer", "producer_id"),
    Index("models_by_source", "source_id"),
    sqlite_autoincrement=True,
)

datasets = Table(
    "datasets",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("created", String, nullable=False),
    # Null for a permanent dataset.
    Column("expires", String),
    Column("file_id", ForeignKey("files.id")),
    Index("datasets_by_owner", "owner_id", "seq"),
    Index("datasets_by_file", "file_id"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", String, nullable=False),
    Column("created", String, nullable=False),
    # compile, link, quantize, inference, or profile: an inference job that profiles.
    Column("kind", String, nullable=False),
    Column("options", String, nullable=False),
    # The device that it is for, and the devices that were requested.
    Column("device", JSON),
    Column("devices", JSON),
    Column("input_specs", JSON),
    Column("weights_dtype", String),
    Column("activations_dtype", String),
    Column("state", String, nullable=False),
    Column("started", String),
    Column("completed", String),
    Column("updated", String, nullable=False),
    # The number of attempts only ever increases, so that each result can be matched to its attempt;
    # losses count the attempts that a crash of the hub has interrupted.
    Column("attempt", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("failure_type", String, nullable=False),
    Column("failure_reason", String),
    # The job whose failure to make a model made this one fail. Its reason is shown to users who may
    # see it.
    Column("cause_id", String),
    Column("notices", JSON),
    Column("execution_time", BigInt),
    Column("peak_memory", JSON),
    # Whether its input models are there. Stored, because a query for the next job would otherwise
    # pass over all jobs that wait for the same model.
    Column("ready", Boolean, nullable=False, server_default=false()),
    # Every page of a list is read from one of these two, whatever it is filtered by, in order.
    Index("jobs_by_owner", "owner_id", "seq"),
    Index("jobs_by_state", "owner_id", "state", "kind", "seq"),
    # There is no index on the state alone: SQLite would use it to scan everything that is queued,
    # instead of the few jobs that a query names.
    Index("jobs_by_turn", "owner_id", "state", "ready", "seq"),
    sqlite_autoincrement=True,
)

# The number of jobs that have ended, by their final state. Lists tell their length, and counting
# rows takes longer the more there are.
ended_jobs = Table(
    "ended_jobs",
    metadata,
    Column("owner_id", ForeignKey("users.id"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("state", String, primary_key=True),
    Column("number", BigInt, nullable=False),
)

# The models and datasets that a job uses and makes, each in a role.
uses = Table(
    "uses",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("role", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("object_id", String, nullable=False),
    Index("uses_by_object", "object_id", "role"),
)

results = Table(
    "results",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("body", JSON, nullable=False),
)

# The cache of target models: their keys and the jobs that made them, one per owner.
makers = Table(
    "makers",
    metadata,
    Column("key", String, primary_key=True),
    Column("owner_id", ForeignKey("users.id"), primary_key=True),
    Column("job_id", String, nullable=False),
    Index("makers_by_job", "job_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("type", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("file_id", ForeignKey("files.id"), nullable=False),
    Index("artifacts_by_file", "file_id"),
)

shares = Table(
    "shares",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("object_id", String, nullable=False),
    Column("email", String, nullable=False),
    UniqueConstraint("object_id", "email"),
    Index("shares_by_email", "email", "object_id"),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String, primary_key=True),
    Column("object_id", String, nullable=False, index=True),
    Column("created", String, nullable=False),
    # In bytes; null if the size is not known beforehand.
    Column("size", BigInt),
    Column("part_size", BigInt),
    # The owner of the model or dataset that it is for.
    Column("owner_id", ForeignKey("users.id")),
    Index("uploads_by_owner", "owner_id", "created"),
)

parts = Table(
    "parts",
    metadata,
    Column("upload_id", ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("size", BigInt, nullable=False),
    Column("sha256", String, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("path", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("created", String, nullable=False, index=True),
    # SHA-256 of the request's body, and the response to it.
    Column("body_digest", String, nullable=False),
    Column("status", Integer),
    Column("headers", JSON, nullable=False),
    Column("answer", JSON),
)
