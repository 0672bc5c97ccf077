"""The long-lived objects of the application, created by `api.app`, and the dependencies that inject them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from api.access.authenticator import Authenticator
from api.access.session_cookie import SessionSigner
from api.access.stream_watch import StreamWatch
from api.access.token_uses import TokenUses
from api.audit.refusal_recorder import RefusalRecorder
from api.events.news_feed import NewsFeed
from api.jobs.event_broadcaster import EventBroadcaster
from api.jobs.stream_limiter import StreamLimiter
from api.metrics.server_metrics import ServerMetrics
from api.session.login_limiter import LoginLimiter
from service.charts.renderer import Renderer
from service.datasets.previewer import Previewer
from service.db.database import SessionFactory
from service.jobs.submission import JobSubmitter
from service.prediction import Predictor
from service.queue.queue_notifier import QueueNotifier
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from service.sweeps.life.creation import SweepSubmitter
from service.team.audit.recording import audit_sessions
from service.team.session_scope import restrict_sessions


@dataclass(frozen=True)
class AppState:
    """The objects that live as long as the application; `app.state.stackyard` holds the one instance."""

    settings: Settings
    sessions: SessionFactory
    store: ArtifactStore
    wake_ups: WakeUpSender
    queue_notifier: QueueNotifier
    job_submitter: JobSubmitter
    sweep_submitter: SweepSubmitter
    renderer: Renderer
    predictor: Predictor
    previewer: Previewer
    event_broadcaster: EventBroadcaster
    news_feed: NewsFeed
    stream_limiter: StreamLimiter
    stream_watch: StreamWatch
    session_signer: SessionSigner | None
    authenticator: Authenticator
    token_uses: TokenUses
    login_limiter: LoginLimiter
    refusal_recorder: RefusalRecorder
    metrics: ServerMetrics


def get_app_state(request: Request) -> AppState:
    """Return the state of the application that serves a request."""
    return request.app.state.stackyard


def _create_getter(name: str) -> Callable[[Request], Awaitable[Any]]:
    """Return a dependency that reads one attribute of the state; it is async to need no thread."""

    async def get_attribute(request: Request) -> Any:
        return getattr(get_app_state(request), name)

    return get_attribute


SettingsDep = Annotated[Settings, Depends(_create_getter("settings"))]
AuthenticatorDep = Annotated[Authenticator, Depends(_create_getter("authenticator"))]


async def _get_all_sessions(request: Request) -> SessionFactory:
    """Return sessions that see the objects of all projects, and record the request if it writes."""
    return audit_sessions(get_app_state(request).sessions, getattr(request.state, "audit", None))


AllSessionsDep = Annotated[SessionFactory, Depends(_get_all_sessions)]
"""Sessions that see the objects of all projects."""


async def _get_sessions(request: Request) -> SessionFactory:
    """Return sessions in which the principal of the request sees what they may see, and owns what they create."""
    sessions = get_app_state(request).sessions
    principal = request.state.principal
    return sessions if principal is None else restrict_sessions(sessions, principal)


SessionsDep = Annotated[SessionFactory, Depends(_get_sessions)]
StoreDep = Annotated[ArtifactStore, Depends(_create_getter("store"))]
WakeUpsDep = Annotated[WakeUpSender, Depends(_create_getter("wake_ups"))]
JobSubmitterDep = Annotated[JobSubmitter, Depends(_create_getter("job_submitter"))]
SweepSubmitterDep = Annotated[SweepSubmitter, Depends(_create_getter("sweep_submitter"))]
QueueNotifierDep = Annotated[QueueNotifier, Depends(_create_getter("queue_notifier"))]
RendererDep = Annotated[Renderer, Depends(_create_getter("renderer"))]
PredictorDep = Annotated[Predictor, Depends(_create_getter("predictor"))]
PreviewerDep = Annotated[Previewer, Depends(_create_getter("previewer"))]
EventBroadcasterDep = Annotated[EventBroadcaster, Depends(_create_getter("event_broadcaster"))]
NewsFeedDep = Annotated[NewsFeed, Depends(_create_getter("news_feed"))]
RefusalRecorderDep = Annotated[RefusalRecorder, Depends(_create_getter("refusal_recorder"))]
