"""Version 5: several processes, each of which runs some of the jobs."""

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"

_BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Upgrade from version 4 to 5."""
    op.add_column("users", sa.Column("turn", _BigInt, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("node_id", sa.String))
    op.add_column("jobs", sa.Column("lease", _BigInt))
    op.create_index("jobs_by_lease", "jobs", ["lease"])
    op.create_table(
        "nodes",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("version", sa.String, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("draining", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("started", sa.String, nullable=False),
        sa.Column("seen", _BigInt, nullable=False),
    )
