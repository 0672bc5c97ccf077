"""Store the separate test dataset on each job's row. Jobs without one, and those of earlier releases, have NULL."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("test_dataset_id", sa.Uuid(), nullable=True))
    op.add_column("jobs", sa.Column("test_dataset_name", sa.String(), nullable=True))
    op.add_column("jobs", sa.Column("test_dataset_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    for column in ("test_dataset_version", "test_dataset_name", "test_dataset_id"):
        op.drop_column("jobs", column)
