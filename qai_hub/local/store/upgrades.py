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
