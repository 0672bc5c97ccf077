"""Store the trace context of the request that created a job."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("trace_context", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "trace_context")
