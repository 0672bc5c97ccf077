"""Liveness and readiness of the API process."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.app_state import SessionsDep, WakeUpsDep
from service.db.database import SessionFactory

router = APIRouter(tags=["health"])

PartState = Literal["ok", "unreachable"]


class Alive(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """State of the services that the API needs. Without the broker, jobs are still accepted and start later."""

    ready: bool
    database: PartState
    broker: PartState


@router.get("/healthz", openapi_extra={"security": []})
async def check_liveness() -> Alive:
    """Check that the process is alive, and nothing else."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness}})
def check_readiness(response: Response, sessions: SessionsDep, wake_ups: WakeUpsDep) -> Readiness:
    """Check the database and the broker. The status is 503 unless both answer."""
    database = _describe_reachability(is_reachable=_is_database_reachable(sessions))
    broker = _describe_reachability(is_reachable=wake_ups.is_broker_reachable())
    ready = database == broker == "ok"
    if not ready:
        response.status_code = 503
    return Readiness(ready=ready, database=database, broker=broker)


def _is_database_reachable(sessions: SessionFactory) -> bool:
    try:
        with sessions.read() as session:
            return session.scalar(select(1)) == 1
    except SQLAlchemyError:
        return False


def _describe_reachability(*, is_reachable: bool) -> PartState:
    return "ok" if is_reachable else "unreachable"
