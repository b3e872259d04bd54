"""Version 4: lists of jobs whose pages and lengths cost the same however many jobs there are."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Upgrade from version 3 to 4."""
    op.create_index("jobs_by_state", "jobs", ["owner_id", "state", "kind", "seq"])
    op.create_table(
        "ended_jobs",
        sa.Column("owner_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("state", sa.String, primary_key=True),
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
    )
    op.execute(
        """
        INSERT INTO ended_jobs (owner_id, kind, state, number)
        SELECT owner_id, kind, state, count(*) FROM jobs
        WHERE state IN ('JOB_STATE_DONE', 'JOB_STATE_FAILED')
        GROUP BY owner_id, kind, state
        """
    )
