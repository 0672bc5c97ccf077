"""Whether the process lives, and whether it can do its work."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import SessionsDep, WakeUpsDep
from service.db.database import Sessions

router = APIRouter(tags=["health"])

PartState = Literal["ok", "unreachable"]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Each part that the API needs. Without the broker jobs are still accepted, and start later."""

    ready: bool
    database: PartState
    broker: PartState


@router.get("/healthz")
async def healthz() -> Alive:
    """Say that the process is alive; nothing else is looked at."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
def readyz(response: Response, sessions: SessionsDep, wake_ups: WakeUpsDep) -> Readiness:
    """Look at the database and the broker; 503 unless both answer."""
    database = _database_answers(sessions)
    broker = wake_ups.broker_answers()
    ready = database and broker
    if not ready:
        response.status_code = 503
    return Readiness(ready=ready, database=_state(answers=database), broker=_state(answers=broker))


def _database_answers(sessions: Sessions) -> bool:
    try:
        with sessions.read() as session:
            return session.scalar(select(1)) == 1
    except SQLAlchemyError:
        return False


def _state(*, answers: bool) -> PartState:
    return "ok" if answers else "unreachable"
