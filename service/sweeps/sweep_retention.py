"""Delete sweeps that ended long ago."""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import SWEEP_END_STATES, Sweep
from service.db.database import SessionFactory, get_current_time
from service.settings import Settings
from service.sweeps.life import controls

_IDEMPOTENCY_KEY_LIFETIME = timedelta(days=1)
_MAX_SWEEPS_PER_ROUND = 20

log = structlog.get_logger()


def delete_expired_sweeps(sessions: SessionFactory, settings: Settings) -> None:
    """Delete sweeps with their jobs once they ended before the retention period.

    Any number of processes may do so at once, without a leader.

    Args:
        sessions: of the installation's database.
        settings: for the retention period.

    """
    if settings.retention_days is None:
        return
    with sessions.read() as session:
        expired = _list_expired_sweeps(session, settings.retention_days)
    for sweep_id in expired:
        with sessions.begin() as session:
            if session.get(Sweep, sweep_id, with_for_update={"skip_locked": True}) is not None:
                controls.delete_sweep(session, sweep_id)
    if expired:
        log.info("sweeps deleted for their age", action="sweeps_expired", count=len(expired))


def forget_expired_keys(session: Session) -> None:
    """Remove idempotency keys that are too old for their clients to repeat the request."""
    horizon = get_current_time(session) - _IDEMPOTENCY_KEY_LIFETIME
    expired = (Sweep.created_at < horizon, Sweep.idempotency_key.is_not(None))
    session.execute(
        update(Sweep).where(*expired).values(idempotency_key=None), execution_options={"synchronize_session": False}
    )


def _list_expired_sweeps(session: Session, days: float) -> list[UUID]:
    horizon = get_current_time(session) - timedelta(days=days)
    query = select(Sweep.id).where(Sweep.state.in_(SWEEP_END_STATES), Sweep.finished_at < horizon)
    return list(session.scalars(query.order_by(Sweep.id).limit(_MAX_SWEEPS_PER_ROUND)))
