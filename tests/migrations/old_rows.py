"""Rows as earlier releases wrote them, from revision 0010 on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.db.database import SessionFactory
from service.db.ids import new_id
from tests.factories import iris_spec

_ROOT = Path(__file__).parents[2]


def build_config(url: str) -> Config:
    """Return the configuration of Alembic's commands for a database."""
    config = Config(_ROOT / "alembic.ini")
    config.attributes["database_url"] = url
    return config


@contextmanager
def open_revision(url: str, revision: str) -> Iterator[Session]:
    """Migrate an empty database to a revision, and open a transaction that may write."""
    command.upgrade(build_config(url), revision)
    sessions = SessionFactory(url)
    with sessions.begin() as session:
        yield session
    sessions.dispose()


def insert_job(session: Session, **values: Any) -> UUID:
    """Insert a job."""
    job_id = new_id()
    columns = {
        "id": store_id(session, job_id),
        "spec": json.dumps(iris_spec(run={"priority": 5})),
        "state": "queued",
        "dataset_name": "builtin:iris",
        "dataset_version": 1,
        "device": "cpu",
        "queue": "cpu",
        "priority": 5,
        "attempt": 0,
        "lost_attempts": 0,
        "cancel_requested": False,
        "epochs": 3,
        "epochs_done": 0,
        "metric_names": "[]",
        "warnings": "[]",
    }
    _insert_row(session, "jobs", columns | values, "created_at")
    return job_id


def insert_dataset(session: Session, name: str, description: dict[str, Any]) -> UUID:
    """Insert the first version of a dataset."""
    dataset_id = new_id()
    columns = {
        "id": store_id(session, dataset_id),
        "name": name,
        "version": 1,
        "media_type": "text/csv",
        "sha256": "a" * 64,
        "bytes": 8,
        "description": json.dumps(description),
    }
    _insert_row(session, "datasets", columns, "created_at")
    return dataset_id


def insert_sweep(session: Session, spec: dict[str, Any], **values: Any) -> UUID:
    """Insert a sweep without trials."""
    sweep_id = new_id()
    columns = {
        "id": store_id(session, sweep_id),
        "spec": json.dumps(spec),
        "spec_version": 0,
        "datasets": "{}",
        "state": "paused",
        "priority": 5,
        "method": "random",
        "trial_count": 0,
        "report_count": 0,
        "no_better_count": 0,
        "has_more_work": False,
    }
    _insert_row(session, "sweeps", columns | values, "created_at", "changed_at")
    return sweep_id


def insert_idempotency_key(session: Session, key: str, body_sha256: str, job_id: UUID) -> None:
    """Insert the key of the request that created a job."""
    columns = {"key": key, "body_sha256": body_sha256, "job_id": store_id(session, job_id)}
    _insert_row(session, "idempotency_keys", columns, "created_at")


def store_id(session: Session, row_id: UUID) -> object:
    """Return an id as the database stores it."""
    return row_id.hex if session.get_bind().dialect.name == "sqlite" else row_id


def _insert_row(session: Session, table: str, columns: dict[str, Any], *times: str) -> None:
    names, values = [*columns, *times], [*(f":{name}" for name in columns), *("CURRENT_TIMESTAMP" for _ in times)]
    statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608  # our own names
    session.execute(text(statement), columns)
