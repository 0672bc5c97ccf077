"""What authentication costs, and whether the time of a refusal tells a foreign job from a missing one.

The application runs in this process. Requests of both kinds alternate, so that the load of the machine meets both.
Pass the URL of an empty PostgreSQL database to measure that one; by default it is SQLite.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

import httpx2
from installation import SMALL_JOB
from scipy.stats import ks_2samp, mannwhitneyu

from api.app import create_app
from migrations.upgrade import upgrade_database
from models import ProjectRole, TokenKind, TokenScope, UserRole
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.jobs.submission import JobSubmitter
from service.settings import Settings
from service.team import authentication, projects, tokens, users
from service.team.principal import Principal
from service.team.tokens import TokenRequest

USERS = 100
TOKENS = 10_000
PROJECTS = 20
REQUESTS = 1000
WARM_UP_REQUESTS = 50
_Send = Callable[[], Awaitable[object]]


def main(database_url: str | None) -> None:
    """Print the results."""
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        options = {} if database_url is None else {"database_url": database_url}
        settings = Settings(data_dir=Path(directory), broker_url="redis://127.0.0.1:1/0", **options)
        upgrade_database(settings)
        sessions = SessionFactory(settings.resolved_database_url)
        with sessions.begin() as session:
            ensure_builtins(session)
        asyncio.run(_measure(settings, sessions))
        sessions.dispose()


async def _measure(settings: Settings, sessions: SessionFactory) -> None:
    open_app = create_app(settings)
    async with _connect(open_app) as without_users:
        await without_users.get("/v1/workers?limit=1")
        open_app.state.stackyard.authenticator.refresh_mode()
        text, foreign_job = _fill(sessions, settings)
        team_app = create_app(settings)
        async with _connect(team_app, text) as with_users:
            await _compare_requests(open_app, without_users, with_users)
            await _compare_refusals(with_users, foreign_job)
    _time_look_ups(sessions, text)


def _connect(app: object, text: str | None = None) -> httpx2.AsyncClient:
    headers = {} if text is None else {"Authorization": f"Bearer {text}"}
    transport = httpx2.ASGITransport(app)  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)


def _fill(sessions: SessionFactory, settings: Settings) -> tuple[str, UUID]:
    """Add users, projects and tokens; return the token of a member of all but one project, and a job in that one."""
    text = ""
    with sessions.begin() as session:
        added = [users.add_user(session, "admin", UserRole.ADMIN, {})[0]]
        added += [users.add_user(session, f"user-{number}", UserRole.MEMBER, {})[0] for number in range(USERS - 1)]
        project_ids = [projects.add_project(session, f"project-{number}", None).id for number in range(PROJECTS)]
        for user in added:
            for project_id in project_ids[:-1]:
                projects.set_member(session, project_id, user.id, ProjectRole.EDITOR)
        for number in range(TOKENS):
            request = TokenRequest(f"token {number}", TokenScope.ADMIN)
            text = tokens.issue_token(session, added[number % USERS].id, request).text
    principal = Principal(project_ids[-1], roles={project_ids[-1]: ProjectRole.OWNER})
    details = JobSubmitter(sessions, settings.limits, _NoNotifier()).submit(
        json.dumps(SMALL_JOB).encode(), None, principal
    )  # type: ignore[arg-type]
    return text, details.job.id


class _NoNotifier:
    """Wakes no worker."""

    def notify_queue(self, queue: str, count: int) -> None:
        del queue, count


async def _compare_requests(
    open_app: object, without_users: httpx2.AsyncClient, with_users: httpx2.AsyncClient
) -> None:
    """Print the time of a request without and with users; the route reads a short list."""

    async def send_without_users() -> None:
        # Both applications share the database: this one keeps its knowledge of a server without users.
        authenticator = open_app.state.stackyard.authenticator  # type: ignore[attr-defined]
        authenticator._has_users, authenticator._mode_expires_at = False, float("inf")  # noqa: SLF001
        (await without_users.get("/v1/workers?limit=1")).raise_for_status()

    async def send_with_users() -> None:
        (await with_users.get("/v1/workers?limit=1")).raise_for_status()

    first, second = await _time_alternately(send_without_users, send_with_users)
    _print("without users", first)
    _print("with users", second)
    print(f"added at the median: {1000 * (statistics.median(second) - statistics.median(first)):.3f} ms")
    print(f"added at the 99th percentile: {1000 * (_find_p99(second) - _find_p99(first)):.3f} ms")


async def _compare_refusals(client: httpx2.AsyncClient, foreign_job: UUID) -> None:
    for method, path in (("GET", ""), ("GET", "/history"), ("POST", "/cancel"), ("DELETE", "")):

        async def send(job_id: UUID, method: str = method, path: str = path) -> None:
            response = await client.request(method, f"/v1/jobs/{job_id}{path}")
            if response.status_code != HTTPStatus.NOT_FOUND:
                raise RuntimeError(response.text)

        # Drawn before the measurement, because a draw takes longer than the difference between the two kinds.
        missing_ids, foreign_ids = (
            iter([draw() for _ in range(WARM_UP_REQUESTS + REQUESTS)]) for draw in (uuid4, lambda: foreign_job)
        )
        missing, foreign = await _time_alternately(
            lambda send=send, ids=missing_ids: send(next(ids)), lambda send=send, ids=foreign_ids: send(next(ids))
        )
        rank, shape = mannwhitneyu(missing, foreign), ks_2samp(missing, foreign)
        share = rank.statistic / (len(missing) * len(foreign))
        print(
            f"{method} /v1/jobs/ID{path}: missing {1000 * statistics.median(missing):.3f} ms, foreign"
            f" {1000 * statistics.median(foreign):.3f} ms; a missing one is slower in {share:.1%} of pairs"
            f" (Mann-Whitney p = {rank.pvalue:.2f}, Kolmogorov-Smirnov p = {shape.pvalue:.2f})"
        )


async def _time_alternately(first: _Send, second: _Send) -> tuple[list[float], list[float]]:
    """Return the seconds of each request of both kinds, in pairs of random order."""
    seconds: dict[_Send, list[float]] = {first: [], second: []}
    for number in range(WARM_UP_REQUESTS + REQUESTS):
        for send in random.sample((first, second), 2):
            started_at = time.perf_counter()
            await send()
            if number >= WARM_UP_REQUESTS:
                seconds[send].append(time.perf_counter() - started_at)
    return seconds[first], seconds[second]


def _time_look_ups(sessions: SessionFactory, text: str) -> None:
    seconds: list[float] = []
    for _ in range(REQUESTS):
        started_at = time.perf_counter()
        with sessions.read() as session:
            authentication.find_principal(session, text, TokenKind.PERSONAL)
        seconds.append(time.perf_counter() - started_at)
    _print("the look-up alone", seconds)


def _find_p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1]


def _print(name: str, seconds: list[float]) -> None:
    median, p99 = 1000 * statistics.median(seconds), 1000 * _find_p99(seconds)
    print(f"{name}: median {median:.3f} ms, 99th percentile {p99:.3f} ms")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
