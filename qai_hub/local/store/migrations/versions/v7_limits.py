"""Version 7: traces of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Upgrade from version 6 to 7."""
    op.add_column("jobs", sa.Column("traceparent", sa.String))
