"""Version 2: the provenance of models, and the cache of target models."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = None


def upgrade() -> None:
    """Upgrade from version 1 to 2."""
    op.create_index("files_by_digest", "files", ["sha256"])
    op.create_index("models_by_file", "models", ["file_id"])
    op.add_column("models", sa.Column("provenance", sa.JSON))
    op.add_column("models", sa.Column("metadata", sa.JSON))
    # SQLite accepts the foreign key of a new column only in the column's definition.
    op.execute("ALTER TABLE models ADD COLUMN source_id VARCHAR REFERENCES files (id)")
    op.create_table(
        "cache",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("job_id", sa.String, nullable=False),
    )
