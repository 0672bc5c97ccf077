"""Add the time of each user's usage, the first epoch of each attempt, and the index of the jobs of an owner."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("usage_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("first_epoch", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_jobs_state_queue_owner_id_priority_id",
        "jobs",
        ["state", "queue", "owner_id", sa.text("priority DESC"), "id"],
    )
    op.drop_index("ix_jobs_state_queue_priority_id", "jobs")


def downgrade() -> None:
    op.create_index("ix_jobs_state_queue_priority_id", "jobs", ["state", "queue", "priority", "id"])
    op.drop_index("ix_jobs_state_queue_owner_id_priority_id", "jobs")
    op.drop_column("jobs", "first_epoch")
    op.drop_column("users", "usage_at")
