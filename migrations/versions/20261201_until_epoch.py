"""Store the epoch after which each job pauses itself, and the job that each job continues."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("until_epoch", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("continued_from", sa.Uuid(), nullable=True))


def downgrade() -> None:
    for column in ("continued_from", "until_epoch"):
        op.drop_column("jobs", column)
