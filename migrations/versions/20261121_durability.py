"""Checkpoints, pauses, crashes, files on their way out, and workers that were told to drain."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATES = ("queued", "running", "paused", "succeeded", "diverged", "failed", "cancelled")


def upgrade() -> None:
    _jobs()
    op.create_index("ix_jobs_architecture_state_id", "jobs", ["architecture", "state", "id"])
    op.add_column("workers", sa.Column("drain_requested", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "checkpoints",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_checkpoints_job_id_jobs", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_checkpoints"),
    )
    op.create_index("ix_checkpoints_sha256", "checkpoints", ["sha256"])
    op.create_table(
        "discarded_files",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_discarded_files"),
    )
    op.create_index("ix_discarded_files_discarded_at", "discarded_files", ["discarded_at"])


def _jobs() -> None:
    """On SQLite the table is made anew, for a constraint cannot be changed there; `migrations.env` guards its rows."""
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_jobs_state"), "jobs", type_="check")
    # Alembic's batches leave check constraints behind, the old one among them.
    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(sa.Column("pause_requested", sa.Boolean(), nullable=False, server_default=sa.false()))
        jobs.add_column(sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("peak_memory", sa.BigInteger(), nullable=True))
        jobs.add_column(sa.Column("spent_s", sa.Double(), nullable=False, server_default="0"))
        jobs.add_column(sa.Column("architecture", sa.String(), nullable=True))
        jobs.add_column(sa.Column("retry_of", sa.Uuid(), nullable=True))
        jobs.create_check_constraint(op.f("ck_jobs_state"), sa.column("state").in_(_STATES))
