"""The application: its parts, its routes, its guards."""

import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

import stackyard
from api import datasets, health, specs, workers
from api.app_state import Parts
from api.http import openapi, problem_documents
from api.http.auth import BearerToken
from api.jobs import artifacts, charts, events, history, predictions, routes, scripts
from api.jobs.event_broadcaster import Feeds
from service import logs
from service.charts.renderer import Renderer
from service.datasets.catalog import ensure_builtins
from service.db.database import Sessions
from service.jobs.submission import Intake
from service.prediction import Predictor
from service.queue.queue_notifier import Waker
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage.store_factory import open_store

_YOUNG = 10_000
"""So many objects that hold others are made before the collector looks for cycles among them; Python's own is 700."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the application; its tables must be there (`python -m migrations`).

    Args:
        settings: of this installation; read from the environment where absent.

    """
    logs.configure()
    settings = settings or Settings()
    app = FastAPI(
        title="Stackyard",
        version=stackyard.__version__,
        description="A training-job service for Keras.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    sessions, wake_ups = Sessions(settings.database), WakeUps(settings)
    app.state.parts = Parts(
        settings=settings,
        sessions=sessions,
        store=open_store(settings),
        wake_ups=wake_ups,
        waker=(waker := Waker(wake_ups.send)),
        intake=Intake(sessions, settings.limits, waker),
        renderer=Renderer(),
        predictor=Predictor(settings),
        feeds=Feeds(sessions, events.write),
    )
    for room in (health, datasets, specs, routes, events, history, charts, artifacts, scripts, predictions, workers):
        app.include_router(room.router)
    problem_documents.install(app)
    openapi.install(app)
    patch_fastapi(app)  # serves the documentation page's own files, which FastAPI would load from elsewhere
    if settings.token is not None:
        app.add_middleware(BearerToken, token=settings.token.get_secret_value())
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    parts: Parts = app.state.parts
    with parts.sessions.begin() as session:
        ensure_builtins(session)
    if threading.current_thread() is threading.main_thread():  # else the process is more than this application
        _settle_memory()
    with parts.feeds.ended_by_signals():
        yield
    parts.feeds.close()
    parts.waker.close()
    parts.renderer.close()
    parts.predictor.close()
    parts.sessions.dispose()


def _settle_memory() -> None:
    """Spare the collector what is loaded and stays: it would go through it every few seconds, for a fifth of one.

    Meanwhile no request goes on. Most of what a request makes is gone by its references when it ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
