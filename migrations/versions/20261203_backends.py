"""Store the backend of each job and of each child process of a worker. Earlier jobs train on TensorFlow."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_jobs_state_queue_backend_owner_id_priority_id"
_IS_BACKEND = "backend IN ('jax', 'tensorflow')"


def upgrade() -> None:
    # As a part of the column, the constraint needs no copy of the table on SQLite.
    op.execute(
        "ALTER TABLE jobs ADD COLUMN backend VARCHAR(16) DEFAULT 'tensorflow' NOT NULL "
        f"CONSTRAINT ck_jobs_backend CHECK ({_IS_BACKEND})"
    )
    op.create_index(_INDEX, "jobs", ["state", "queue", "backend", "owner_id", sa.text("priority DESC"), "id"])
    op.create_table(
        "worker_children",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("backend", sa.String(length=16), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker_id", "process", name="pk_worker_children"),
        sa.CheckConstraint(_IS_BACKEND, name=op.f("ck_worker_children_backend")),
    )


def downgrade() -> None:
    op.drop_table("worker_children")
    op.drop_index(_INDEX, "jobs")
    op.drop_column("jobs", "backend")
