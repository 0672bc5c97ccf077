"""Store the request to finish a job: the number of epochs that were done at that time."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("finish_after_epochs", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "finish_after_epochs")
