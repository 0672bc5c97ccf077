"""Add sweeps and their trials, and the trial that a job belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SWEEP_STATES = ("running", "paused", "succeeded", "cancelled", "failed")
_TRIAL_STATES = ("waiting", "running", "held", "complete", "halted", "diverged", "failed", "invalid")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("spec_version", sa.Integer(), nullable=False),
        sa.Column("datasets", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*_SWEEP_STATES, name="state", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("reason", sa.JSON(), nullable=True),
        sa.Column("ending", sa.JSON(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("trial_count", sa.Integer(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("no_better_count", sa.Integer(), nullable=False),
        sa.Column("has_more_work", sa.Boolean(), nullable=False),
        sa.Column("rerun_trials", sa.JSON(), nullable=True),
        sa.Column("best_trial", sa.Integer(), nullable=True),
        sa.Column("best_value", sa.Double(), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("body_sha256", sa.String(), nullable=True),
        sa.Column("created_at", time, nullable=False),
        sa.Column("changed_at", time, nullable=False),
        sa.Column("finished_at", time, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sweeps"),
        sa.UniqueConstraint("idempotency_key", name="uq_sweeps_idempotency_key"),
    )
    op.create_table(
        "trials",
        sa.Column("sweep_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("is_from_client", sa.Boolean(), nullable=False),
        sa.Column("proposed_after", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*_TRIAL_STATES, name="state", native_enum=False, create_constraint=True, length=16),
            nullable=False,
        ),
        sa.Column("reason", sa.JSON(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("repeat_values", sa.JSON(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("reports", sa.JSON(), nullable=False),
        sa.Column("rerun_count", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("finished_at", time, nullable=True),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], name="fk_trials_sweep_id_sweeps", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sweep_id", "number", name="pk_trials"),
    )
    op.create_table(
        "deleted_sweeps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deleted_at", time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deleted_sweeps"),
    )
    for name, column in (("sweep_id", sa.Uuid()), ("trial_number", sa.Integer()), ("repeat", sa.Integer())):
        op.add_column("jobs", sa.Column(name, column, nullable=True))
    op.create_index("ix_sweeps_state_id", "sweeps", ["state", "id"])
    op.create_index("ix_sweeps_name_id", "sweeps", ["name", "id"])
    for column in ("changed_at", "finished_at"):
        op.create_index(f"ix_sweeps_{column}", "sweeps", [column])
    op.create_index("ix_trials_sweep_id_state_number", "trials", ["sweep_id", "state", "number"])
    op.create_index("ix_trials_sweep_id_finished_at", "trials", ["sweep_id", "finished_at"])
    op.create_index("ix_deleted_sweeps_deleted_at", "deleted_sweeps", ["deleted_at"])
    op.create_index("ix_jobs_sweep_id_state_id", "jobs", ["sweep_id", "state", "id"])
    op.create_index(
        "ix_jobs_sweep_id_trial_number_repeat", "jobs", ["sweep_id", "trial_number", "repeat"], unique=True
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_sweep_id_trial_number_repeat", table_name="jobs")
    op.drop_index("ix_jobs_sweep_id_state_id", table_name="jobs")
    for column in ("repeat", "trial_number", "sweep_id"):
        op.drop_column("jobs", column)
    for table in ("deleted_sweeps", "trials", "sweeps"):
        op.drop_table(table)
