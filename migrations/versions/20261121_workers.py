"""Who serves the queues, what a job asked for, and what it ran on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("cards", sa.JSON(), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alive_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
    op.add_column("jobs", sa.Column("device", sa.String(), nullable=False, server_default="auto"))
    op.add_column("jobs", sa.Column("worker_id", sa.Uuid(), nullable=True))
    op.add_column("jobs", sa.Column("ran_on", sa.JSON(), nullable=True))
    jobs = sa.table("jobs", sa.column("spec", sa.JSON()), sa.column("device", sa.String()))
    asked = jobs.c.spec["run"]["device"].as_string()
    op.execute(jobs.update().where(asked.is_not(None)).values(device=asked))
