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

# The version of this layout, to which `migrations` leads. A hub refuses a folder that a newer hub
# has written.
SCHEMA_VERSION = 3

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
    # What has let them in last: a start of the hub that named them, or an administrator who added
    # them. Those who may not enter keep what they have made.
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
    # SHA-256 in hex; null until someone needs it.
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
    # What the job that made it told of how, for jobs that work on it, and for people; and a file
    # that these jobs need, and nobody sees.
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
    # Null for a dataset that is kept for good.
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
    # The device that it is for, and the devices that were asked for.
    Column("device", JSON),
    Column("devices", JSON),
    Column("input_specs", JSON),
    Column("weights_dtype", String),
    Column("activations_dtype", String),
    Column("state", String, nullable=False),
    Column("started", String),
    Column("completed", String),
    Column("updated", String, nullable=False),
    # Attempts are counted on for ever, so that each result tells which attempt it is of; losses
    # count the attempts that a crash of the hub has cut short.
    Column("attempt", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("failure_type", String, nullable=False),
    Column("failure_reason", String),
    # The job that has failed this one by not making a model. Why is told to those who may see it.
    Column("cause_id", String),
    Column("notices", JSON),
    Column("execution_time", BigInt),
    Column("peak_memory", JSON),
    # Whether its input models are there. Kept, and not asked of them each time: a look for the next
    # job would pass over all that wait for the same model.
    Column("ready", Boolean, nullable=False, server_default=false()),
    Index("jobs_by_owner", "owner_id", "seq"),
    # None by the state alone: SQLite would take it to go through all that is queued, in place of
    # the few jobs that a query names.
    Index("jobs_by_turn", "owner_id", "state", "ready", "seq"),
    sqlite_autoincrement=True,
)

# What a job works on and makes: its models and datasets, each in a role.
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

# What is known of target models that can be given again: their keys, and the jobs that made them,
# one of each owner's.
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
    # In bytes; null where the size is not told beforehand.
    Column("size", BigInt),
    Column("part_size", BigInt),
    # Whose model or dataset it is for.
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
    # SHA-256 of the request's body, and what was answered to it.
    Column("body_digest", String, nullable=False),
    Column("status", Integer),
    Column("headers", JSON, nullable=False),
    Column("answer", JSON),
)
