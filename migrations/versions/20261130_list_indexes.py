"""Give each filter of the list of jobs an index in the order of the list, so that a page is read without sorting."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDED = (
    ("ix_jobs_state_id", "jobs", ["state", "id"]),
    ("ix_jobs_name_id", "jobs", ["name", "id"]),
    ("ix_jobs_dataset_name_id", "jobs", ["dataset_name", "id"]),
    ("ix_jobs_lease_until", "jobs", ["lease_until"]),
    ("ix_job_tags_tag_job_id", "job_tags", ["tag", "job_id"]),
)
_REMOVED = (
    ("ix_jobs_name", "jobs", ["name"]),
    ("ix_jobs_dataset_name", "jobs", ["dataset_name"]),
    ("ix_jobs_state_lease_until", "jobs", ["state", "lease_until"]),
    ("ix_job_tags_tag", "job_tags", ["tag"]),
)


def upgrade() -> None:
    for name, table, columns in _ADDED:
        op.create_index(name, table, columns)
    for name, table, _ in _REMOVED:
        op.drop_index(name, table)


def downgrade() -> None:
    for name, table, columns in _REMOVED:
        op.create_index(name, table, columns)
    for name, table, _ in _ADDED:
        op.drop_index(name, table)
