"""Turns the tables of older releases into those of this one; what is stored in them stays."""

from sqlalchemy import Connection, update

from qai_hub.local.store.tables import SCHEMA_VERSION, settings

# What turns the tables of a version into those of the next. New tables are made by themselves.
_STEPS = {
    1: (
        "CREATE INDEX files_by_digest ON files (sha256)",
        "CREATE INDEX models_by_file ON models (file_id)",
        "ALTER TABLE models ADD COLUMN provenance JSON",
        "ALTER TABLE models ADD COLUMN metadata JSON",
        "ALTER TABLE models ADD COLUMN source_id VARCHAR REFERENCES files (id)",
    ),
    2: (
        "CREATE INDEX models_by_source ON models (source_id)",
        "CREATE INDEX datasets_by_file ON datasets (file_id)",
        "CREATE INDEX artifacts_by_file ON artifacts (file_id)",
        # Version 1 had no cache: its table is new, and has the index.
        "CREATE INDEX IF NOT EXISTS cache_by_job ON cache (job_id)",
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
