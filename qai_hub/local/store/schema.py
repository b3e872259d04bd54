"""The tables of the hub's database."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    false,
    true,
)

from qai_hub.local.store.dialect import BigInt, Text

# The version of this schema, to which `migrations` upgrades. A hub refuses a folder that a newer
# hub has written.
SCHEMA_VERSION = 7

metadata = MetaData()

settings = Table(
    "settings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    # What gave them access last: a start of the hub that named them, or an administrator who added
    # them. Users without access keep their data.
    Column("origin", Text, nullable=False, server_default="start"),
    Column("active", Boolean, nullable=False, server_default=true()),
    # Increases with each job of theirs that starts: whoever has the lowest waits longest.
    Column("turn", BigInt, nullable=False, server_default="0"),
    # Whoever has a higher one is served first.
    Column("priority", Integer, nullable=False, server_default="0"),
    # What they may have and do at most; null for what the hub allows everybody.
    Column("max_queued_jobs", Integer),
    Column("max_storage", BigInt),
    Column("max_creations", Integer),
    # The size in bytes of the files that count for them: those of which they are the owner.
    Column("stored", BigInt, nullable=False, server_default="0"),
    # When they will have used up none of their rate any more, in microseconds of the database's
    # clock.
    Column("rate_due", BigInt, nullable=False, server_default="0"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
)

# Browsers that are signed in, and links that each sign one in.
sign_ins = Table(
    "sign_ins",
    metadata,
    # SHA-256 of the secret that the cookie or the link holds.
    Column("digest", Text, primary_key=True),
    # session or link.
    Column("kind", Text, nullable=False),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    # The token that it came from, with which it ends; null for a user that another service vouched
    # for.
    Column("token_digest", Text),
    Column("expires", Text, nullable=False, index=True),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False, unique=True),
    Column("slug", Text, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("size", BigInt, nullable=False),
    # SHA-256 in hex; null until it is needed.
    Column("sha256", Text),
    # The user for whom its size counts, who has a model, dataset or artifact with it.
    Column("owner_id", ForeignKey("users.id")),
    Index("files_by_digest", "sha256"),
)

models = Table(
    "models",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Text, nullable=False),
    # Null for a model that a job has yet to make.
    Column("model_type", Text),
    Column("is_directory", Boolean, nullable=False),
    Column("file_id", ForeignKey("files.id")),
    Column("producer_id", Text),
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
    Column("id", Text, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Text, nullable=False),
    # Null for a permanent dataset.
    Column("expires", Text),
    Column("file_id", ForeignKey("files.id")),
    Index("datasets_by_owner", "owner_id", "seq"),
    Index("datasets_by_file", "file_id"),
    sqlite_autoincrement=True,
)

jobs = Table(
    "jobs",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("owner_id", ForeignKey("users.id"), nullable=False),
    Column("project_id", ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("created", Text, nullable=False),
    # compile, link, quantize, inference, or profile: an inference job that profiles.
    Column("kind", Text, nullable=False),
    Column("options", Text, nullable=False),
    # The device that it is for, and the devices that were requested.
    Column("device", JSON),
    Column("devices", JSON),
    Column("input_specs", JSON),
    Column("weights_dtype", Text),
    Column("activations_dtype", Text),
    Column("state", Text, nullable=False),
    Column("started", Text),
    Column("completed", Text),
    Column("updated", Text, nullable=False),
    # The number of attempts only ever increases, so that each result can be matched to its attempt;
    # losses count the attempts that a crash of the hub has interrupted.
    Column("attempt", Integer, nullable=False),
    Column("losses", Integer, nullable=False),
    Column("failure_type", Text, nullable=False),
    Column("failure_reason", Text),
    # The job whose failure to make a model made this one fail. Its reason is shown to users who may
    # see it.
    Column("cause_id", Text),
    Column("notices", JSON),
    Column("execution_time", BigInt),
    Column("peak_memory", JSON),
    # Whether its input models are there. Stored, because a query for the next job would otherwise
    # pass over all jobs that wait for the same model.
    Column("ready", Boolean, nullable=False, server_default=false()),
    # What it needs of the process that runs it: labels, see `labels`.
    Column("needs", Text, nullable=False, server_default=""),
    # The process that carries out the current attempt, and until when it may do so unheard, in
    # microseconds of the database's clock. Null in a database that only one process uses.
    Column("node_id", Text),
    Column("lease", BigInt),
    # The trace that its submission belongs to, in W3C's form.
    Column("traceparent", Text),
    # Whether it makes its target model anew, though the cache may have the same.
    Column("fresh", Boolean, nullable=False, server_default=false()),
    Index("jobs_by_lease", "lease"),
    # Every page of a list is read from one of these two, whatever it is filtered by, in order. The
    # time is there so that jobs of other times are passed over without reading their rows.
    Index("jobs_by_owner", "owner_id", "seq", "created"),
    Index("jobs_by_state", "owner_id", "state", "kind", "seq", "created"),
    # There is no index on the state alone: SQLite would use it to scan everything that is queued,
    # instead of the few jobs that a query names.
    Index("jobs_by_turn", "owner_id", "state", "ready", "needs", "seq"),
    sqlite_autoincrement=True,
)

# The number of jobs that have ended, by their final state. Lists tell their length, and counting
# rows takes longer the more there are.
ended_jobs = Table(
    "ended_jobs",
    metadata,
    Column("owner_id", ForeignKey("users.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("number", BigInt, nullable=False),
)

# The processes that use this database at the same time.
nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    # Machine and process number, for people.
    Column("name", Text, nullable=False),
    # web or worker.
    Column("role", Text, nullable=False),
    Column("version", Text, nullable=False),
    # Jobs that it runs at once.
    Column("slots", Integer, nullable=False),
    # What it offers to jobs: labels, see `labels`.
    Column("labels", Text, nullable=False, server_default=""),
    Column("draining", Boolean, nullable=False, server_default=false()),
    Column("started", Text, nullable=False),
    # When it was last heard of, in microseconds of the database's clock.
    Column("seen", BigInt, nullable=False),
)

# The models and datasets that a job uses and makes, each in a role.
uses = Table(
    "uses",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("object_id", Text, nullable=False),
    # The job's, so that the newest uses by somebody are read from the index alone.
    Column("seq", BigInt, nullable=False, server_default="0"),
    Column("owner_id", Integer, nullable=False, server_default="0"),
    Index("uses_by_object", "object_id", "role", "seq", "owner_id"),
)

results = Table(
    "results",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("body", JSON, nullable=False),
)

# The cache of target models: their keys and the jobs that made them, one per owner.
makers = Table(
    "makers",
    metadata,
    Column("key", Text, primary_key=True),
    Column("owner_id", ForeignKey("users.id"), primary_key=True),
    Column("job_id", Text, nullable=False),
    Index("makers_by_job", "job_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("job_id", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("file_id", ForeignKey("files.id"), nullable=False),
    Index("artifacts_by_file", "file_id"),
)

shares = Table(
    "shares",
    metadata,
    Column("seq", BigInt, primary_key=True),
    Column("object_id", Text, nullable=False),
    Column("email", Text, nullable=False),
    UniqueConstraint("object_id", "email"),
    Index("shares_by_email", "email", "object_id"),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("object_id", Text, nullable=False, index=True),
    Column("created", Text, nullable=False),
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
    Column("sha256", Text, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("created", Text, nullable=False, index=True),
    # SHA-256 of the request's body, and the response to it.
    Column("body_digest", Text, nullable=False),
    Column("status", Integer),
    Column("headers", JSON, nullable=False),
    Column("answer", JSON),
)
