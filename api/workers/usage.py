"""Route of `/v1/workers/usage`: how busy the workers were lately."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.app_state import SessionsDep
from api.http.problem_documents import RESPONSES
from service.results import worker_usage
from service.results.worker_usage import Usage

router = APIRouter(prefix="/v1/workers", tags=["workers"], responses=RESPONSES)

_MAX_MINUTES = 24 * 60


class WorkerUsageView(BaseModel):
    """The share of a worker's slots that ran jobs in each interval, from 0 to 1; null before the worker started."""

    id: UUID
    host: str
    device: Literal["cpu", "gpu"]
    busy: list[float | None]


class UsageView(BaseModel):
    """The usage of all listed workers in intervals of `interval_s` seconds between two times."""

    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    interval_s: float
    workers: list[WorkerUsageView]

    @classmethod
    def of(cls, usage: Usage) -> "UsageView":
        """Return the view of a usage."""
        workers = [
            WorkerUsageView.model_validate(
                {"id": item.worker.id, "host": item.worker.host, "device": item.worker.device, "busy": item.busy}
            )
            for item in usage.workers
        ]
        return cls(start=usage.start, end=usage.end, interval_s=usage.interval_s, workers=workers)


@router.get("/usage")
def get_usage(
    sessions: SessionsDep,
    minutes: Annotated[int, Query(ge=1, le=_MAX_MINUTES, description="The duration up to now.")] = 60,
) -> UsageView:
    """Get how busy the listed workers were in the last minutes, in 60 intervals."""
    with sessions.read() as session:
        return UsageView.of(worker_usage.load_usage(session, minutes))
