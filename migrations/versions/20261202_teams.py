"""Add users, projects, memberships, tokens, the audit and usage, and the owner of each job, dataset and sweep."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_DEFAULT_PROJECT = UUID("00000000-0000-7000-8000-000000000000")


def upgrade() -> None:
    _create_projects()
    _create_users()
    _create_tokens()
    _create_records()
    _add_owners()
    _scope_idempotency_keys()


def downgrade() -> None:
    for table in ("job_changes", "deleted_sweeps"):
        op.drop_column(table, "project_id")
    for table in ("sweeps", "datasets"):
        op.drop_index(f"ix_{table}_owner_id_id", table)
        op.drop_index(f"ix_{table}_project_id_id", table)
        with op.batch_alter_table(table) as batch:
            if table == "datasets":
                batch.drop_constraint("uq_datasets_project_id_name_version", type_="unique")
                batch.create_unique_constraint(op.f("uq_datasets_name_version"), ["name", "version"])
            batch.drop_column("owner_id")
            batch.drop_column("project_id")
    op.drop_index("ix_jobs_owner_id_state_id", "jobs")
    op.drop_index("ix_jobs_project_id_id", "jobs")
    with op.batch_alter_table("jobs") as jobs:
        for column in ("charged_s", "owner_id", "project_id"):
            jobs.drop_column(column)
    for table in ("usage_records", "audit_entries", "tokens", "memberships", "users", "projects"):
        op.drop_table(table)


def _enum(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("name", name="uq_projects_name"),
    )
    projects = sa.table("projects", sa.column("id", sa.Uuid()), sa.column("name"), sa.column("created_at"))
    op.execute(projects.insert().values(id=_DEFAULT_PROJECT, name="default", created_at=sa.func.current_timestamp()))


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", _enum("role", "member", "admin"), nullable=False),
        sa.Column("shares", sa.Double(), nullable=False),
        sa.Column("max_running", sa.Integer(), nullable=True),
        sa.Column("max_queued", sa.Integer(), nullable=True),
        sa.Column("max_bytes", sa.BigInteger(), nullable=True),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column("decayed_usage", sa.Double(), nullable=False),
        _time("disabled_at", nullable=True),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        sa.UniqueConstraint("oidc_subject", name="uq_users_oidc_subject"),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("role", _enum("role", "viewer", "editor", "owner"), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("user_id", "project_id", name="pk_memberships"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_memberships_project_id_projects", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_memberships_project_id", "memberships", ["project_id"])


def _create_tokens() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", _enum("kind", "personal", "session"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("scope", _enum("scope", "read", "submit", "admin"), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        _time("created_at"),
        _time("expires_at", nullable=True),
        _time("revoked_at", nullable=True),
        _time("last_used_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user_id_users", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name="fk_tokens_project_id_projects", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["tokens.id"], name="fk_tokens_parent_id_tokens", ondelete="CASCADE"),
    )
    for column in ("user_id", "project_id", "parent_id", "expires_at"):
        op.create_index(f"ix_tokens_{column}", "tokens", [column])


def _create_records() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        _time("at"),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("user_name", sa.String(), nullable=True),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("token_prefix", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("object_type", sa.String(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("client", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"])
    for column in ("user_id", "action", "object_id"):
        op.create_index(f"ix_audit_entries_{column}_id", "audit_entries", [column, "id"])
    op.create_table(
        "usage_records",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("device_seconds", sa.Double(), nullable=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.Column("epochs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "user_id", "project_id", "device", name="pk_usage_records"),
    )


def _add_owners() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    default_project = _DEFAULT_PROJECT.hex if is_sqlite else str(_DEFAULT_PROJECT)

    def create_project_column() -> sa.Column[object]:
        return sa.Column("project_id", sa.Uuid(), nullable=False, server_default=default_project)

    with op.batch_alter_table("jobs") as jobs:
        jobs.add_column(create_project_column())
        jobs.add_column(sa.Column("owner_id", sa.Uuid(), nullable=True))
        jobs.add_column(sa.Column("charged_s", sa.Double(), nullable=False, server_default="0"))
    op.create_index("ix_jobs_project_id_id", "jobs", ["project_id", "id"])
    op.create_index("ix_jobs_owner_id_state_id", "jobs", ["owner_id", "state", "id"])
    for table in ("datasets", "sweeps"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(create_project_column())
            batch.add_column(sa.Column("owner_id", sa.Uuid(), nullable=True))
            if table == "datasets":
                batch.drop_constraint("uq_datasets_name_version", type_="unique")
                batch.create_unique_constraint(
                    op.f("uq_datasets_project_id_name_version"), ["project_id", "name", "version"]
                )
        op.create_index(f"ix_{table}_project_id_id", table, ["project_id", "id"])
        op.create_index(f"ix_{table}_owner_id_id", table, ["owner_id", "id"])
    for table in ("job_changes", "deleted_sweeps"):
        with op.batch_alter_table(table) as batch:
            batch.add_column(create_project_column())


def _scope_idempotency_keys() -> None:
    """Let a request that is repeated during the upgrade find its job: keys now begin with the project and the user."""
    prefix = f"{_DEFAULT_PROJECT}::"
    op.execute(sa.text("UPDATE idempotency_keys SET key = :prefix || key").bindparams(prefix=prefix))
    op.execute(
        sa.text(
            "UPDATE sweeps SET idempotency_key = :prefix || idempotency_key WHERE idempotency_key IS NOT NULL"
        ).bindparams(prefix=prefix)
    )
