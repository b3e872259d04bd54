"""Brings the database of an older release up to date, by Alembic.

Each file in `versions` is a revision, named by the version of the layout that it leads to. The
database has its version among its settings, where releases look before they use a data folder; so
Alembic's own table of versions is not used. To change the layout: change `schema`, count
`SCHEMA_VERSION` up, and write the revision, by operations that PostgreSQL takes as well.
"""

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_FOLDER = Path(__file__).parent


def upgrade(db: Connection, version: int) -> None:
    """Run the revisions that lead from a version to this release's, within one transaction.

    Args:
        db: A writing transaction; nothing of what it does stays if it fails.
        version: The version that the tables have.
    """
    scripts = ScriptDirectory(_FOLDER)
    with Operations.context(MigrationContext.configure(db)):
        for revision in reversed([*scripts.walk_revisions()]):
            if int(revision.revision) > version:
                revision.module.upgrade()
