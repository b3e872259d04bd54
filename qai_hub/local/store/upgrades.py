"""Turns the tables of older releases into those of this one; what is stored in them stays."""

from sqlalchemy import Connection, update

from qai_hub.local.store.tables import SCHEMA_VERSION, settings

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
