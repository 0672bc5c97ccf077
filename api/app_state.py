"""What an endpoint may ask for: the installation's parts, made once by `api.app`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from api.jobs.event_broadcaster import Feeds
from service.charts.renderer import Renderer
from service.db.database import Sessions
from service.jobs.submission import Intake
from service.prediction import Predictor
from service.queue.queue_notifier import Waker
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore


@dataclass(frozen=True)
class Parts:
    """What the application is made of; one instance lives in `app.state.parts`."""

    settings: Settings
    sessions: Sessions
    store: ArtifactStore
    wake_ups: WakeUps
    waker: Waker
    intake: Intake
    renderer: Renderer
    predictor: Predictor
    feeds: Feeds


def parts(request: Request) -> Parts:
    """The parts of the application that a request came to."""
    return request.app.state.parts


async def _settings(request: Request) -> Settings:
    return parts(request).settings


async def _sessions(request: Request) -> Sessions:
    return parts(request).sessions


async def _store(request: Request) -> ArtifactStore:
    return parts(request).store


async def _wake_ups(request: Request) -> WakeUps:
    return parts(request).wake_ups


async def _intake(request: Request) -> Intake:
    return parts(request).intake


async def _waker(request: Request) -> Waker:
    return parts(request).waker


async def _renderer(request: Request) -> Renderer:
    return parts(request).renderer


async def _predictor(request: Request) -> Predictor:
    return parts(request).predictor


async def _feeds(request: Request) -> Feeds:
    return parts(request).feeds


SettingsDep = Annotated[Settings, Depends(_settings)]
SessionsDep = Annotated[Sessions, Depends(_sessions)]
StoreDep = Annotated[ArtifactStore, Depends(_store)]
WakeUpsDep = Annotated[WakeUps, Depends(_wake_ups)]
IntakeDep = Annotated[Intake, Depends(_intake)]
WakerDep = Annotated[Waker, Depends(_waker)]
RendererDep = Annotated[Renderer, Depends(_renderer)]
PredictorDep = Annotated[Predictor, Depends(_predictor)]
FeedsDep = Annotated[Feeds, Depends(_feeds)]
