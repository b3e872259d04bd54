"""Version 6: jobs that only some processes can run, and users who are served first."""

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Upgrade from version 5 to 6."""
    op.add_column("users", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("nodes", sa.Column("labels", sa.String, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("needs", sa.String, nullable=False, server_default=""))
    op.drop_index("jobs_by_turn", "jobs")
    op.create_index("jobs_by_turn", "jobs", ["owner_id", "state", "ready", "needs", "seq"])
