"""Create sweeps, and store their first trials."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Sweep, SweepState
from service.db.database import SessionFactory, get_current_time
from service.db.ids import new_id
from service.errors import Conflict
from service.jobs.validation import ValidatedSpec
from service.queue.queue_notifier import QueueNotifier
from service.sweeps.life.advance import advance_sweep
from service.sweeps.validation import validate_sweep
from service.team.principal import IMPLICIT_ADMIN, Principal
from service.team.row_locks import keep_project
from service.team.session_scope import get_ownership, restrict_sessions, scope_key
from stackyard.spec import Limits
from stackyard.sweep import SweepSpec, dump_sweep_spec

_DEFAULT_PRIORITY = 5
MAX_WAKE_UPS = 16
"""Number of wake-ups for new jobs of a sweep; each process that finds a job sends another one if more wait."""


@dataclass(frozen=True)
class SweepSubmitter:
    """Creates sweeps and advances them; jobs that wait afterwards have their workers woken.

    Args:
        sessions: of the installation's database.
        limits: bounds on specs.
        notifier: wakes workers.

    """

    sessions: SessionFactory
    limits: Limits
    notifier: QueueNotifier

    def submit(self, document: bytes, key: str | None = None, principal: Principal = IMPLICIT_ADMIN) -> UUID:
        """Check a sweep, and store it with its first trials, or find that of an earlier request with the same key.

        Args:
            document: the sweep, as the client sent it.
            key: the idempotency key of the request, so that the client may repeat it.
            principal: who submits the sweep, and owns its jobs.

        Returns:
            The id of the sweep. Its transactions are committed.

        Raises:
            SpecError: the sweep is not valid; it lists every fault with its location.
            InvalidInput: there is no such dataset.
            Conflict: the idempotency key was used with another body.

        """
        body_sha256 = hashlib.sha256(document).hexdigest()
        sessions = restrict_sessions(self.sessions, principal)
        with sessions.read() as session:
            earlier = None if key is None else _find_earlier_sweep(session, key, body_sha256)
            if earlier is not None:
                return earlier
            validated = validate_sweep(session, document, self.limits)
        sweep_id = _insert(sessions, validated.sweep, key, body_sha256)
        self.notify(advance_completely(self.sessions, sweep_id, self.limits, validated.specs))
        return sweep_id

    def advance(self, sweep_id: UUID) -> None:
        """Advance a sweep in as many transactions as it needs, and wake workers for the jobs that wait then."""
        self.notify(advance_completely(self.sessions, sweep_id, self.limits))

    def notify(self, queues: Mapping[str, int]) -> None:
        """Wake workers for jobs that wait, given their number by queue."""
        for queue, count in queues.items():
            self.notifier.notify_queue(queue, min(count, MAX_WAKE_UPS))


def _insert(sessions: SessionFactory, spec: SweepSpec, key: str | None, body_sha256: str) -> UUID:
    try:
        with sessions.begin() as session:
            return insert_sweep(session, spec, key, body_sha256).id
    except IntegrityError:  # another request with this key committed between our query and our insert
        if key is None:
            raise
        with sessions.read() as session:
            earlier = _find_earlier_sweep(session, key, body_sha256)
        if earlier is None:
            raise
        return earlier


def insert_sweep(session: Session, spec: SweepSpec, key: str | None = None, body_sha256: str | None = None) -> Sweep:
    """Insert a running sweep without trials. Until it is advanced, a reconciler knows that there is more to do.

    Raises:
        IntegrityError: there is a sweep with this idempotency key.

    """
    current_time = get_current_time(session)
    project_id, owner_id = get_ownership(session)
    keep_project(session, project_id)
    sweep = Sweep(
        id=new_id(),
        project_id=project_id,
        owner_id=owner_id,
        name=spec.name,
        spec=dump_sweep_spec(spec),
        spec_version=0,
        datasets={},
        state=SweepState.RUNNING,
        reason=None,
        ending=None,
        priority=_choose_priority(spec),
        method=spec.method,
        trial_count=0,
        report_count=0,
        no_better_count=0,
        has_more_work=True,
        rerun_trials=None,
        best_trial=None,
        best_value=None,
        idempotency_key=None if key is None else scope_key(session, key),
        body_sha256=body_sha256,
        created_at=current_time,
        changed_at=current_time,
        finished_at=None,
    )
    session.add(sweep)
    session.flush()
    return sweep


def advance_completely(
    sessions: SessionFactory, sweep_id: UUID, limits: Limits, checked_specs: Sequence[ValidatedSpec] = ()
) -> Counter[str]:
    """Advance a sweep until nothing is left to do without waiting for a job, as `advance_sweep` does.

    Returns:
        The number of jobs that wait since then, by queue.

    """
    queues: Counter[str] = Counter()
    has_more = True
    while has_more:
        with sessions.begin() as session:
            advance = advance_sweep(session, sweep_id, limits, checked_specs)
        queues += advance.queues
        has_more = advance.has_more
    return queues


def _find_earlier_sweep(session: Session, key: str, body_sha256: str) -> UUID | None:
    query = select(Sweep.id, Sweep.body_sha256).where(Sweep.idempotency_key == scope_key(session, key))
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    if row.body_sha256 != body_sha256:
        message = "This Idempotency-Key was used with another body; use a new key for a new sweep."
        raise Conflict("idempotency_key_reused", message)
    return row.id


def _choose_priority(spec: SweepSpec) -> int:
    bases = spec.specs if spec.base is None else (spec.base,)
    return (
        spec.priority
        if spec.priority is not None
        else max((base.run.priority for base in bases), default=_DEFAULT_PRIORITY)
    )
