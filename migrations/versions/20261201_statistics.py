"""Store statistics of datasets, and the specs of jobs as they were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("statistics", sa.JSON(), nullable=True))
    op.add_column("jobs", sa.Column("spec_as_sent", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "spec_as_sent")
    op.drop_column("datasets", "statistics")
