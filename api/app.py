"""The FastAPI application: its state, routers, error handlers and authentication."""

import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

import stackyard
from api import datasets, health, specs
from api.access.authentication import Authentication
from api.access.authenticator import Authenticator
from api.access.authorization import authorize, check_all_routes_have_permissions
from api.access.rate_limiting import RateLimiting
from api.access.rate_limits import RateLimiter
from api.access.session_cookie import SessionSigner
from api.access.stream_watch import StreamWatch
from api.access.token_uses import TokenUses
from api.app_state import AppState
from api.audit import routes as audit_routes
from api.audit.refusal_audit import RefusalAudit
from api.audit.refusal_recorder import RefusalRecorder
from api.events import routes as event_routes
from api.events.news_feed import NewsFeed
from api.http import openapi, problem_documents
from api.http.access_log import AccessLog
from api.http.documentation import install_documentation
from api.http.request_guard import HEALTH_PATH, RequestGuard
from api.http.security_headers import SecurityHeaders
from api.jobs import actions, artifacts, charts, comparison, events, history, lists, predictions, routes, scripts
from api.jobs.event_broadcaster import EventBroadcaster
from api.jobs.stream_limiter import StreamLimiter
from api.jobs.stream_shutdown import close_on_signals
from api.metrics import routes as metrics_routes
from api.metrics.server_metrics import ServerMetrics
from api.metrics.token_access import METRICS_PATH, MetricsTokenAccess
from api.page.routes import install_page, is_page_path
from api.session import routes as session_routes
from api.session.login_limiter import LoginLimiter
from api.sweeps import check as sweep_check
from api.sweeps import results as sweep_results
from api.sweeps import routes as sweep_routes
from api.sweeps import trials as sweep_trials
from api.team import projects as project_routes
from api.team import tokens as token_routes
from api.team import usage as usage_routes
from api.team import users as user_routes
from api.workers import routes as worker_routes
from api.workers import usage
from service import logs
from service.charts.renderer import Renderer
from service.datasets.catalog import ensure_builtins
from service.datasets.previewer import Previewer
from service.jobs.submission import JobSubmitter
from service.prediction import Predictor
from service.queue.queue_notifier import QueueNotifier
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.private_files import keep_files_private
from service.storage.store_factory import open_store
from service.subprocess.confinement import log_missing_protections
from service.sweeps.life.creation import SweepSubmitter
from service.team.usage.policy import open_sessions
from service.tracing import start_tracing, stop_tracing
from stackyard.process_privacy import keep_process_private
from stackyard.spec import build_validators

_GC_THRESHOLD = 10_000
"""Number of new container objects that starts a collection of the youngest generation (`gc.set_threshold`)."""


_ROUTERS = (
    health,
    metrics_routes,
    datasets,
    specs,
    sweep_check,
    sweep_routes,
    sweep_trials,
    sweep_results,
    lists,
    actions,
    routes,
    events,
    history,
    comparison,
    charts,
    artifacts,
    scripts,
    predictions,
    usage,
    worker_routes,
    event_routes,
    session_routes,
    project_routes,
    token_routes,
    user_routes,
    audit_routes,
    usage_routes,
)
"""The modules with routes. A fixed path stands before a path with a parameter that matches it."""


_OPEN_PATHS = frozenset(
    {
        HEALTH_PATH,
        session_routes.SESSION_PATH,
        f"{session_routes.OIDC_PATH}/start",
        f"{session_routes.OIDC_PATH}/callback",
    }
)


class _Application(FastAPI):
    """The application, with the access log around all middleware, also around that for unexpected errors."""

    def build_middleware_stack(self) -> ASGIApp:
        """Build the stack, whose outermost layer gives each request its id."""
        requests = self.state.stackyard.metrics.requests
        return AccessLog(super().build_middleware_stack(), on_start=requests.record_start, on_end=requests.record_end)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the application. The database must have its tables (`python -m migrations`).

    Args:
        settings: settings of the installation; by default they are read from the environment.

    """
    logs.configure_logging()
    settings = settings or Settings()
    keep_files_private(settings.data_dir)
    app = _Application(
        title="Stackyard",
        version=stackyard.__version__,
        description="A training-job service for Keras.",
        lifespan=_run_lifespan,
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        telemetry=_configure_telemetry(),
    )
    sessions, wake_ups = open_sessions(settings), WakeUpSender(settings)
    signer, token_uses = _create_session_signer(settings), TokenUses(sessions)
    authenticator = Authenticator(sessions, signer, token_uses)
    app.state.stackyard = AppState(
        settings=settings,
        sessions=sessions,
        store=open_store(settings),
        wake_ups=wake_ups,
        queue_notifier=(queue_notifier := QueueNotifier(wake_ups.send)),
        job_submitter=JobSubmitter(sessions, settings.limits, queue_notifier),
        sweep_submitter=SweepSubmitter(sessions, settings.limits, queue_notifier),
        renderer=Renderer(),
        predictor=Predictor(settings),
        previewer=Previewer(settings),
        event_broadcaster=(broadcaster := EventBroadcaster(sessions, events.encode_events)),
        news_feed=(news_feed := NewsFeed(sessions, event_routes.encode_news)),
        stream_limiter=StreamLimiter(settings.max_event_streams, settings.max_client_event_streams),
        stream_watch=StreamWatch(sessions, authenticator.has_users, lambda: _wake_streams(broadcaster, news_feed)),
        session_signer=signer,
        authenticator=authenticator,
        token_uses=token_uses,
        login_limiter=LoginLimiter(),
        refusal_recorder=RefusalRecorder(sessions),
        metrics=ServerMetrics(settings, sessions, wake_ups),
    )
    routers = [module.router for module in _ROUTERS]
    if settings.oidc_issuer:
        routers.append(_install_oidc(app, settings))
    check_all_routes_have_permissions(routers)
    for router in routers:
        app.include_router(router, dependencies=[Depends(authorize)])
    problem_documents.install_error_handlers(app)
    openapi.install_spec_schemas(app)
    install_documentation(app)
    install_page(app)
    _add_middleware(app, settings)
    return app


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Add what happens to each request before its route. The last middleware is the outermost."""
    state: AppState = app.state.stackyard
    app.add_middleware(RateLimiting, limiter=RateLimiter(settings))
    app.add_middleware(Authentication, authenticator=state.authenticator, is_open=_is_open_path)
    if settings.metrics_token is not None:
        token = settings.metrics_token.get_secret_value()
        app.add_middleware(MetricsTokenAccess, token=token, render=state.metrics.render)
    app.add_middleware(
        RequestGuard, requires_login=state.authenticator.requires_login, allowed_hosts=settings.allowed_hosts
    )
    app.add_middleware(
        RefusalAudit,
        recorder=state.refusal_recorder,
        has_users=state.authenticator.has_users,
        routes=[route for module in _ROUTERS for route in module.router.routes],
    )
    app.add_middleware(SecurityHeaders)


def _wake_streams(broadcaster: EventBroadcaster, news_feed: NewsFeed) -> None:
    broadcaster.wake_streams()
    news_feed.wake_streams()


def _configure_telemetry() -> TelemetryConfig:
    """Return what FastAPI traces: each request but those of monitors, and no body, header or error."""
    provider = start_tracing("stackyard-api")
    return {
        "tracer_provider": provider,
        "tracing": provider is not None,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope.get("path") in {HEALTH_PATH, METRICS_PATH},
    }


def _create_session_signer(settings: Settings) -> SessionSigner | None:
    token = settings.token
    return None if token is None else SessionSigner(token.get_secret_value(), settings.session_s)


def _install_oidc(app: FastAPI, settings: Settings) -> APIRouter:
    """Return the routes of the login through an identity provider.

    Raises:
        RuntimeError: the extra `oidc` is not installed.

    """
    try:
        from api.session import oidc_routes  # noqa: PLC0415  needs the extra
    except ModuleNotFoundError as error:
        message = f"STACKYARD_OIDC_ISSUER needs the extra `oidc`, but {error.name} is not installed"
        raise RuntimeError(message) from None
    oidc_routes.install_identity_provider(app, settings)
    return oidc_routes.router


def _is_open_path(path: str) -> bool:
    """Return whether a path needs no login: the health check, the login itself, and the page, which has no data."""
    return path in _OPEN_PATHS or is_page_path(path)


@asynccontextmanager
async def _run_lifespan(app: FastAPI) -> AsyncGenerator[None]:
    state: AppState = app.state.stackyard
    with state.sessions.begin() as session:
        ensure_builtins(session)
    build_validators()
    if threading.current_thread() is threading.main_thread():  # not so in tests
        _freeze_loaded_objects()
        keep_process_private()
        log_missing_protections()
    with close_on_signals(state.event_broadcaster.close, state.news_feed.close):
        yield
    state.event_broadcaster.close()
    state.news_feed.close()
    state.token_uses.write()
    state.refusal_recorder.close()
    state.queue_notifier.close()
    state.renderer.close()
    state.predictor.close()
    state.sessions.dispose()
    stop_tracing()


def _freeze_loaded_objects() -> None:
    """Exclude objects that stay for good from garbage collection, and collect less often.

    A collection stops all requests while it scans every tracked object. Reference counting frees most objects of a
    request when it ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
