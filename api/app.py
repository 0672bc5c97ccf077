"""The FastAPI application: its state, routers, error handlers and authentication."""

import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import stackyard
from api import datasets, health, specs, workers
from api.app_state import AppState
from api.http import access_log, openapi, problem_documents
from api.http.auth import BearerToken
from api.http.documentation import install_documentation
from api.http.request_guard import RequestGuard
from api.http.security_headers import SecurityHeaders
from api.jobs import artifacts, charts, events, history, predictions, routes, scripts
from api.jobs.event_broadcaster import EventBroadcaster
from api.jobs.stream_limiter import StreamLimiter
from service import logs
from service.charts.renderer import Renderer
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.jobs.submission import JobSubmitter
from service.prediction import Predictor
from service.queue.queue_notifier import QueueNotifier
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.private_files import keep_files_private
from service.storage.store_factory import open_store
from service.subprocess.confinement import log_missing_protections
from stackyard.process_privacy import keep_process_private

_GC_THRESHOLD = 10_000
"""Number of new container objects that starts a collection of the youngest generation (`gc.set_threshold`)."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the application. The database must have its tables (`python -m migrations`).

    Args:
        settings: settings of the installation; by default they are read from the environment.

    """
    logs.configure_logging()
    access_log.shorten_logged_paths()
    settings = settings or Settings()
    keep_files_private(settings.data_dir)
    app = FastAPI(
        title="Stackyard",
        version=stackyard.__version__,
        description="A training-job service for Keras.",
        lifespan=_run_lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    sessions, wake_ups = SessionFactory(settings.resolved_database_url), WakeUpSender(settings)
    app.state.stackyard = AppState(
        settings=settings,
        sessions=sessions,
        store=open_store(settings),
        wake_ups=wake_ups,
        queue_notifier=(queue_notifier := QueueNotifier(wake_ups.send)),
        job_submitter=JobSubmitter(sessions, settings.limits, queue_notifier),
        renderer=Renderer(),
        predictor=Predictor(settings),
        event_broadcaster=EventBroadcaster(sessions, events.encode_events),
        stream_limiter=StreamLimiter(settings.max_event_streams, settings.max_client_event_streams),
    )
    for module in (health, datasets, specs, routes, events, history, charts, artifacts, scripts, predictions, workers):
        app.include_router(module.router)
    problem_documents.install_error_handlers(app)
    openapi.install_spec_schemas(app, has_token=settings.token is not None)
    install_documentation(app)
    if settings.token is not None:
        app.add_middleware(BearerToken, token=settings.token.get_secret_value())
    app.add_middleware(RequestGuard, has_token=settings.token is not None, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(SecurityHeaders)  # the last one is the outermost
    return app


@asynccontextmanager
async def _run_lifespan(app: FastAPI) -> AsyncGenerator[None]:
    state: AppState = app.state.stackyard
    with state.sessions.begin() as session:
        ensure_builtins(session)
    if threading.current_thread() is threading.main_thread():  # not so in tests
        _freeze_loaded_objects()
        keep_process_private()
        log_missing_protections()
    with state.event_broadcaster.close_on_signals():
        yield
    state.event_broadcaster.close()
    state.queue_notifier.close()
    state.renderer.close()
    state.predictor.close()
    state.sessions.dispose()


def _freeze_loaded_objects() -> None:
    """Exclude objects that stay for good from garbage collection, and collect less often.

    A collection stops all requests while it scans every tracked object. Reference counting frees most objects of a
    request when it ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
