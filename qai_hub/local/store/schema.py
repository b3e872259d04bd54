"""The tables of the hub's database."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    true,
    update,
)

from qai_hub.local.store.dialect import BigInt

# The version of this layout. A hub refuses a folder that a newer hub has written.
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


# Jobs that failed behind another held its reason, which not all may know who see them: it is told
# from that job itself, the first of a chain. Their logs had that one line, and go.
_UNTOLD_REASONS = (
    "ALTER TABLE jobs ADD COLUMN cause_id VARCHAR",
    """
    UPDATE jobs SET cause_id = substr(failure_reason, 9, instr(failure_reason, ',') - 9)
    WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
    AND failure_reason LIKE 'The job %, which was to make the input model, failed: %'
    """,
    """
    UPDATE jobs SET cause_id = (
        WITH RECURSIVE chain(id, next, depth) AS (
            SELECT cause.id, cause.cause_id, 1 FROM jobs AS cause WHERE cause.id = jobs.cause_id
            UNION ALL
            SELECT cause.id, cause.cause_id, depth + 1
            FROM chain JOIN jobs AS cause ON cause.id = chain.next
        )
        SELECT id FROM chain ORDER BY depth DESC LIMIT 1
    )
    WHERE cause_id IS NOT NULL
    """,
    """
    UPDATE jobs SET failure_reason = 'A model that this job needs was not made'
        || coalesce(': the job ' || cause_id || ' failed.', '.')
    WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
    """,
    """
    DELETE FROM artifacts WHERE job_id IN (
        SELECT id FROM jobs WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
    )
    """,
)
# What turns the tables of a version into those of the next. New tables are made by themselves.
_STEPS = {
    1: (
        "CREATE INDEX files_by_digest ON files (sha256)",
        "CREATE INDEX models_by_file ON models (file_id)",
        "ALTER TABLE models ADD COLUMN provenance JSON",
        "ALTER TABLE models ADD COLUMN metadata JSON",
        "ALTER TABLE models ADD COLUMN source_id VARCHAR REFERENCES files (id)",
        "CREATE TABLE cache (key VARCHAR NOT NULL PRIMARY KEY, job_id VARCHAR NOT NULL)",
    ),
    2: (
        "ALTER TABLE users ADD COLUMN origin VARCHAR DEFAULT 'start' NOT NULL",
        "ALTER TABLE users ADD COLUMN active BOOLEAN DEFAULT 1 NOT NULL",
        # What was made for somebody is given again to those who may see it.
        """
        INSERT INTO makers (key, owner_id, job_id)
        SELECT cache.key, jobs.owner_id, jobs.id FROM cache JOIN jobs ON jobs.id = cache.job_id
        """,
        "DROP TABLE cache",
        *_UNTOLD_REASONS,
        "CREATE INDEX models_by_source ON models (source_id)",
        "CREATE INDEX datasets_by_file ON datasets (file_id)",
        "CREATE INDEX artifacts_by_file ON artifacts (file_id)",
        "ALTER TABLE jobs ADD COLUMN ready BOOLEAN DEFAULT 0 NOT NULL",
        """UPDATE jobs SET ready = 1
        WHERE state NOT IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED') AND NOT EXISTS (
            SELECT 1 FROM uses JOIN models ON models.id = uses.object_id
            WHERE uses.job_id = jobs.id AND uses.role = 'input' AND models.file_id IS NULL
        )""",
        "CREATE INDEX jobs_by_turn ON jobs (owner_id, state, ready, seq)",
        "DROP INDEX jobs_by_state",
        "ALTER TABLE uploads ADD COLUMN owner_id INTEGER REFERENCES users (id)",
        """UPDATE uploads SET owner_id = coalesce(
            (SELECT owner_id FROM models WHERE id = uploads.object_id),
            (SELECT owner_id FROM datasets WHERE id = uploads.object_id)
        )""",
        "CREATE INDEX uploads_by_owner ON uploads (owner_id, created)",
    ),
}


def upgrade(db: Connection, version: int) -> None:
    """Bring the tables to the version of this release, within one transaction.

    Args:
        db: A writing transaction.
        version: The version that they have, this release's at most.
    """
    for old in range(version, SCHEMA_VERSION):
        for statement in _STEPS[old]:
            db.exec_driver_sql(statement)
    current = settings.c.name == "schema_version"
    db.execute(update(settings).where(current).values(value=str(SCHEMA_VERSION)))
