"""Version 7: traces of jobs, browsers that are signed in, and jobs by the time of submission."""

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Upgrade from version 6 to 7."""
    op.add_column("jobs", sa.Column("traceparent", sa.String))
    op.create_table(
        "sign_ins",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("token_digest", sa.String),
        sa.Column("expires", sa.String, nullable=False, index=True),
    )
    for name, columns in (
        ("jobs_by_owner", ["owner_id", "seq"]),
        ("jobs_by_state", ["owner_id", "state", "kind", "seq"]),
    ):
        op.drop_index(name, "jobs")
        op.create_index(name, "jobs", [*columns, "created"])
