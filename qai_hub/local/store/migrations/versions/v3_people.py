"""Version 3: accounts that can be revoked, fair turns, and private failure reasons."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Upgrade from version 2 to 3."""
    op.add_column("users", sa.Column("origin", sa.String, nullable=False, server_default="start"))
    op.add_column(
        "users", sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true())
    )
    _create_makers()
    _separate_failure_reasons()
    op.create_index("models_by_source", "models", ["source_id"])
    op.create_index("datasets_by_file", "datasets", ["file_id"])
    op.create_index("artifacts_by_file", "artifacts", ["file_id"])
    _add_ready()
    op.execute("ALTER TABLE uploads ADD COLUMN owner_id INTEGER REFERENCES users (id)")
    op.execute(
        """UPDATE uploads SET owner_id = coalesce(
            (SELECT owner_id FROM models WHERE id = uploads.object_id),
            (SELECT owner_id FROM datasets WHERE id = uploads.object_id)
        )"""
    )
    op.create_index("uploads_by_owner", "uploads", ["owner_id", "created"])


def _create_makers() -> None:
    """Let the cache serve a target model to the users who may see the job that made it."""
    op.create_table(
        "makers",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("job_id", sa.String, nullable=False),
    )
    op.create_index("makers_by_job", "makers", ["job_id"])
    op.execute(
        """
        INSERT INTO makers (key, owner_id, job_id)
        SELECT cache.key, jobs.owner_id, jobs.id FROM cache JOIN jobs ON jobs.id = cache.job_id
        """
    )
    op.drop_table("cache")


def _separate_failure_reasons() -> None:
    """Remove another job's reason from jobs that failed because of it: not all may see both.

    The reason is now read from that job itself, the first of a chain. Logs that consist of that one
    line are deleted.
    """
    op.add_column("jobs", sa.Column("cause_id", sa.String))
    op.execute(
        """
        UPDATE jobs SET cause_id = substr(failure_reason, 9, instr(failure_reason, ',') - 9)
        WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
        AND failure_reason LIKE 'The job %, which was to make the input model, failed\\: %'
        """
    )
    op.execute(
        """
        UPDATE jobs SET cause_id = (
            WITH RECURSIVE chain(id, next, depth) AS (
                SELECT cause.id, cause.cause_id, 1 FROM jobs AS cause
                WHERE cause.id = jobs.cause_id
                UNION ALL
                SELECT cause.id, cause.cause_id, depth + 1
                FROM chain JOIN jobs AS cause ON cause.id = chain.next
            )
            SELECT id FROM chain ORDER BY depth DESC LIMIT 1
        )
        WHERE cause_id IS NOT NULL
        """
    )
    op.execute(
        """
        UPDATE jobs SET failure_reason = 'A model that this job needs was not made'
            || coalesce('\\: the job ' || cause_id || ' failed.', '.')
        WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
        """
    )
    op.execute(
        """
        DELETE FROM artifacts WHERE job_id IN (
            SELECT id FROM jobs WHERE failure_type = 'JOB_FAILURE_TYPE_RUNTIME_FAILED_DEPENDENCY'
        )
        """
    )


def _add_ready() -> None:
    """Store whether a job can run, so that each user's next job is found by an index."""
    op.add_column("jobs", sa.Column("ready", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute(
        """UPDATE jobs SET ready = 1
        WHERE state NOT IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED') AND NOT EXISTS (
            SELECT 1 FROM uses JOIN models ON models.id = uses.object_id
            WHERE uses.job_id = jobs.id AND uses.role = 'input' AND models.file_id IS NULL
        )"""
    )
    op.create_index("jobs_by_turn", "jobs", ["owner_id", "state", "ready", "seq"])
    op.drop_index("jobs_by_state", "jobs")
