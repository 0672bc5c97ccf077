"""Give each order of the list of jobs an index, so that a page is read without sorting."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ADDED = (
    ("ix_jobs_started_at_id", "jobs", ["started_at", "id"]),
    ("ix_jobs_finished_at_id_started_at", "jobs", ["finished_at", "id", "started_at"]),
    ("ix_jobs_priority_id", "jobs", ["priority", "id"]),
    ("ix_job_metrics_name_best_job_id", "job_metrics", ["name", "best", "job_id"]),
    ("ix_job_metrics_name_last_job_id", "job_metrics", ["name", "last", "job_id"]),
)


def upgrade() -> None:
    for name, table, columns in _ADDED:
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in _ADDED:
        op.drop_index(name, table)
