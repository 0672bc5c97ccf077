"""Checks of the workers: whether they live, serve every queue that has jobs, and have equal versions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select

import stackyard
from models import JobState, Worker
from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory
from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.jobs import queries
from service.queue import worker_registry
from service.queue.worker_registry import WorkerDetails, WorkerState

_SUBJECT = "workers"
_COMPARED = ("stackyard", "keras", "jax", "tensorflow")
_MAX_WORKERS = 1000


def check_workers(sessions: SessionFactory) -> Iterator[Finding]:
    """Check the workers that the database lists. Nothing is reported if it cannot be read."""
    try:
        with sessions.read() as session:
            rows = session.scalars(select(Worker).order_by(Worker.id).limit(_MAX_WORKERS)).all()
            workers = worker_registry.load_worker_details(session, rows)
            waiting = queries.count_jobs_by_queue(session, JobState.QUEUED)
    except DATABASE_UNAVAILABLE_ERRORS:
        return
    alive = [worker for worker in workers if worker.state is not WorkerState.LOST]
    yield from _check_queues(workers, waiting)
    yield from _check_lost(workers)
    yield from _check_version_skew(alive)


def _check_queues(workers: Sequence[WorkerDetails], waiting: dict[str, int]) -> Iterator[Finding]:
    slots: Counter[str] = Counter()
    for worker in workers:
        if worker.state is WorkerState.SERVING:
            slots[worker.worker.queue] += worker.worker.concurrency
    for queue, count in sorted(waiting.items()):
        if not slots[queue]:
            message = f"{count:,} jobs wait on {queue}, and no worker serves it."
            yield report_problem(_SUBJECT, message, f"Start a worker with STACKYARD_DEVICE={queue}.")
    if slots:
        served = ", ".join(f"{count} on {queue}" for queue, count in sorted(slots.items()))
        yield report_ok(_SUBJECT, f"Jobs that can run at once: {served}.")
    elif not waiting:
        yield warn(_SUBJECT, "No worker is alive.", "Start one; until then, jobs wait.")


def _check_lost(workers: Sequence[WorkerDetails]) -> Iterator[Finding]:
    lost = [worker for worker in workers if worker.state is WorkerState.LOST]
    if lost:
        hosts = ", ".join(sorted({worker.worker.host for worker in lost})[:5])
        message = f"{len(lost)} workers were lost within the last day, on {hosts}."
        yield warn(_SUBJECT, message, "Look at their logs, and at the memory of those machines.")


def _check_version_skew(workers: Sequence[WorkerDetails]) -> Iterator[Finding]:
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for worker in workers:
        for name in _COMPARED:
            if name in worker.worker.versions:
                versions[name].add(str(worker.worker.versions[name]))
    own = stackyard.__version__
    if versions["stackyard"] - {own}:
        message = f"Workers run stackyard {', '.join(sorted(versions['stackyard']))}; this is {own}."
        yield warn(_SUBJECT, message, "Finish the upgrade: restart them with this release.")
    for name in ("keras", "jax", "tensorflow"):
        if len(versions[name]) > 1:
            message = f"Workers run {name} {', '.join(sorted(versions[name]))}."
            yield warn(_SUBJECT, message, "The same job may give other numbers. Install one version everywhere.")
