"""Version 7: traces, freshness, limits of users, signed-in browsers, jobs and uses by time."""

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Upgrade from version 6 to 7."""
    op.add_column("jobs", sa.Column("traceparent", sa.String))
    op.add_column("jobs", sa.Column("fresh", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("max_queued_jobs", sa.Integer))
    op.add_column("users", sa.Column("max_storage", _BIG))
    op.add_column("users", sa.Column("max_creations", sa.Integer))
    op.add_column("users", sa.Column("stored", _BIG, nullable=False, server_default="0"))
    op.add_column("users", sa.Column("rate_due", _BIG, nullable=False, server_default="0"))
    # Alembic cannot add a foreign key on SQLite.
    op.execute("ALTER TABLE files ADD COLUMN owner_id INTEGER REFERENCES users (id)")
    op.execute(
        """
        UPDATE files SET owner_id = coalesce(
            (SELECT min(owner_id) FROM models WHERE file_id = files.id),
            (SELECT min(owner_id) FROM models WHERE source_id = files.id),
            (SELECT min(owner_id) FROM datasets WHERE file_id = files.id),
            (SELECT min(jobs.owner_id) FROM artifacts JOIN jobs ON jobs.id = artifacts.job_id
             WHERE artifacts.file_id = files.id)
        )
        """
    )
    op.execute(
        """
        UPDATE users SET stored = sums.total
        FROM (SELECT owner_id, sum(size) AS total FROM files GROUP BY owner_id) AS sums
        WHERE sums.owner_id = users.id
        """
    )
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
    op.add_column("uses", sa.Column("seq", _BIG, nullable=False, server_default="0"))
    op.add_column("uses", sa.Column("owner_id", sa.Integer, nullable=False, server_default="0"))
    op.execute(
        """
        UPDATE uses SET seq = jobs.seq, owner_id = jobs.owner_id
        FROM jobs WHERE jobs.id = uses.job_id
        """
    )
    op.drop_index("uses_by_object", "uses")
    op.create_index("uses_by_object", "uses", ["object_id", "role", "seq", "owner_id"])
