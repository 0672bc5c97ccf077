"""Find what changed since a time: an index of transitions by time, their workers, and changes without a transition."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_changes",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_changes"),
    )
    op.create_index("ix_job_changes_changed_at", "job_changes", ["changed_at"])
    op.add_column("transitions", sa.Column("worker_id", sa.Uuid(), nullable=True))
    op.create_index("ix_transitions_at", "transitions", ["at"])


def downgrade() -> None:
    op.drop_index("ix_transitions_at", "transitions")
    op.drop_column("transitions", "worker_id")
    op.drop_index("ix_job_changes_changed_at", "job_changes")
    op.drop_table("job_changes")
