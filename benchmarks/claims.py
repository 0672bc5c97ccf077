"""The time of a claim with 100,000 waiting jobs: of one backend, of both, and with fifty users.

`python benchmarks/claims.py [DATABASE_URL]` fills an empty database, SQLite in a temporary directory by default.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from installation import SMALL_JOB
from sqlalchemy import insert, select, text, update

from migrations.upgrade import upgrade_database
from models import Backend, Job, JobState, User, UserRole
from service.datasets import catalog
from service.db.database import SessionFactory, get_current_time
from service.db.ids import new_id
from service.jobs import attempts, insertion, validation
from service.jobs.queue_order.backend_turns import BackendTurns
from service.queue.child_registry import ChildProcess
from service.settings import Settings
from stackyard.spec import JobSpec, Limits

WAITING_JOBS = 100_000
USERS = 50
CLAIMS = 200


def main() -> None:
    """Print the median and the 95th percentile of the milliseconds of a claim."""
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        settings = Settings(data_dir=Path(directory), database_url=sys.argv[1] if len(sys.argv) > 1 else "")
        upgrade_database(settings)
        sessions = SessionFactory(settings.resolved_database_url)
        template = _insert_template(sessions)
        _insert_copies(sessions, template)
        turns = BackendTurns(ChildProcess(new_id(), "here:1"), Backend.JAX, batch_s=3600)
        _print_times(sessions, turns, "one backend")
        _spread_over_backends(sessions)
        _print_times(sessions, turns, "both backends")
        _assign_jobs(sessions, [_add_user(sessions, index) for index in range(USERS)])
        _print_times(sessions, turns, f"both backends, {USERS} users")
        sessions.dispose()


def _insert_template(sessions: SessionFactory) -> dict[str, Any]:
    spec = JobSpec.model_validate(SMALL_JOB)
    with sessions.begin() as session:
        catalog.ensure_builtins(session)
        validated = validation.validate_spec(spec, catalog.find_dataset(session, spec.data.dataset), Limits())
        [job] = insertion.insert_jobs(session, [validated])
    return {column.key: getattr(job, column.key) for column in Job.__mapper__.column_attrs}


def _insert_copies(sessions: SessionFactory, template: dict[str, Any]) -> None:
    for _ in range(WAITING_JOBS // 1000):
        with sessions.begin() as session:
            session.execute(insert(Job), [template | {"id": new_id()} for _ in range(1000)])


def _add_user(sessions: SessionFactory, index: int) -> UUID:
    user_id = new_id()
    with sessions.begin() as session:
        created_at = get_current_time(session)
        session.add(User(id=user_id, name=f"user-{index}", role=UserRole.MEMBER, created_at=created_at))
    return user_id


def _assign_jobs(sessions: SessionFactory, users: Sequence[UUID]) -> None:
    with sessions.begin() as session:
        ids = [row[0] for row in session.execute(text("SELECT id FROM jobs"))]
        for index, user_id in enumerate(users):
            part = [UUID(str(job_id)) for job_id in ids[index :: len(users)]]
            session.execute(
                update(Job).where(Job.id.in_(part)).values(owner_id=user_id),
                execution_options={"synchronize_session": False},
            )


def _spread_over_backends(sessions: SessionFactory) -> None:
    """Let every other job need TensorFlow, the first one included."""
    with sessions.begin() as session:
        ids = session.scalars(select(Job.id).where(Job.state == JobState.QUEUED).order_by(Job.id)).all()
        session.execute(
            update(Job).where(Job.id.in_(ids[::2])).values(backend=Backend.TENSORFLOW),
            execution_options={"synchronize_session": False},
        )


def _print_times(sessions: SessionFactory, turns: BackendTurns, label: str) -> None:
    if sessions.engine.dialect.name == "postgresql":
        with sessions.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("VACUUM ANALYZE jobs"))
    seconds = [_measure_claim(sessions, turns) for _ in range(CLAIMS)]
    median, late = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    sys.stdout.write(f"{label}: median {1000 * median:.1f} ms, 95th percentile {1000 * late:.1f} ms\n")


def _measure_claim(sessions: SessionFactory, turns: BackendTurns) -> float:
    """Claim a job as a process of JAX, and conclude its attempt; return the seconds of the claim, with its commit."""
    start = time.perf_counter()
    with sessions.begin() as session:
        turns.load_outlook(session, "cpu")
        claim = attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60, backend=turns.backend)
    seconds = time.perf_counter() - start
    if claim is None:
        raise RuntimeError("expected a waiting job, received none")
    with sessions.begin() as session:
        attempts.conclude_attempt(session, claim, attempts.Conclusion(JobState.CANCELLED))
    return seconds


if __name__ == "__main__":
    main()
