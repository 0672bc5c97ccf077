"""Store the task and the estimates of the spec check on each job's row. Jobs of earlier releases have NULL."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("task", sa.JSON(), nullable=True))
    op.add_column("jobs", sa.Column("step_flops", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("memory_estimate", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for column in ("memory_estimate", "step_flops", "task"):
        op.drop_column("jobs", column)
