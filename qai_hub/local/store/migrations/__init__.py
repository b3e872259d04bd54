"""Upgrades the database of an older release, with Alembic.

Each file in `versions` is a revision, named after the schema version that it upgrades to. The
database stores its version in its settings table, which every release checks before it uses a data
folder, so Alembic's own version table is not used. To change the schema: edit `schema`, increment
`SCHEMA_VERSION`, and write the revision with operations that PostgreSQL supports as well.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


def upgrade(db: Connection, version: int) -> None:
    """Run the revisions from a version to this release's, within one transaction.

    Args:
        db: A writing transaction, which is rolled back on failure.
        version: The current version of the tables.
    """
    scripts = ScriptDirectory(_FOLDER)
    with Operations.context(MigrationContext.configure(db)):
        for revision in reversed([*scripts.walk_revisions()]):
            if int(revision.revision) > version:
                revision.module.upgrade()
