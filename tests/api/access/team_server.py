"""A team's server in this process, with two projects that have objects of every kind, and users of every role."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlalchemy import delete, select, update

from models import (
    DEFAULT_PROJECT_ID,
    Dataset,
    Job,
    JobState,
    Membership,
    Project,
    ProjectRole,
    Sweep,
    Token,
    TokenScope,
    User,
    UserRole,
)
from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import catalog
from service.db.database import insert_if_absent
from service.jobs import controls
from service.storage.artifact_store import FileReference
from service.team import projects, tokens, users
from service.team.principal import Principal
from service.team.session_scope import restrict_sessions
from service.team.tokens import TokenRequest
from stackyard.spec import ColumnDescription, TableDescription
from tests.factories import build_registration, iris_spec, record_heartbeat, submit_job

MISSING_ID = UUID("01934f8e-0000-7000-8000-00000000dead")
PROJECT_HEADER = "X-Stackyard-Project"
SERVER_TOKEN = "the server's token"  # noqa: S105  # it protects nothing
SWEEP = {"base": iris_spec(), "space": {"/training/batch_size": [16, 32]}, "search": {"method": "grid"}}


@dataclass
class TeamServer:
    """The projects, the users and the objects of a server.

    Without users, everything belongs to the default project, `own`.
    """

    client: TestClient
    own: UUID = DEFAULT_PROJECT_ID
    foreign: UUID = DEFAULT_PROJECT_ID
    users: dict[str, UUID] = field(default_factory=dict[str, UUID])
    numbers: Any = field(default_factory=lambda: count(1))
    created: dict[Any, UUID] = field(default_factory=dict[Any, UUID])

    @property
    def state(self) -> Any:
        return self.client.app.state.stackyard

    def reset(self) -> None:
        """Delete all users, and all that belongs to them."""
        with self.state.sessions.begin() as session:
            for table in (Token, Membership, User, Job, Sweep):
                session.execute(delete(table))
            session.execute(delete(Dataset).where(Dataset.media_type != BUILTIN_MEDIA_TYPE))
            session.execute(delete(Project).where(Project.id != DEFAULT_PROJECT_ID))

    def add_users(self) -> None:
        """Make it a team's server: two projects, an admin, members of every role, and a member of both projects."""
        with self.state.sessions.begin() as session:
            self._add_user(session, "admin", UserRole.ADMIN)
            self.own = projects.add_project(session, "own", None).id
            self.foreign = projects.add_project(session, "foreign", None).id
            for role in ProjectRole:
                self._add_user(session, role.value, projects={self.own: role})
            self._add_user(session, "stranger", projects={self.foreign: ProjectRole.OWNER})
            both = dict.fromkeys((self.own, self.foreign), ProjectRole.OWNER)
            self._add_user(session, "both", projects=both)
            self._add_user(session, "guest", projects={self.own: ProjectRole.VIEWER})
            self._add_user(session, "submitter", projects={self.own: ProjectRole.EDITOR})
        submit_job(self.restrict(self.own, "submitter"))
        self.state.authenticator.refresh_mode()

    def _add_user(self, session: Any, name: str, role: UserRole = UserRole.MEMBER, projects: Any = None) -> None:
        user, _ = users.add_user(session, name, role, {})
        self.users[name] = user.id
        for membership in session.scalars(select(Membership).where(Membership.user_id == user.id)):
            session.delete(membership)
        for project_id, project_role in (projects or {}).items():
            values = {
                "user_id": user.id,
                "project_id": project_id,
                "role": project_role,
                "created_at": user.created_at,
            }
            insert_if_absent(session, Membership, values)

    def restrict(self, project_id: UUID, user: str = "submitter") -> Any:
        """Return sessions of a user in a project."""
        principal = Principal(
            project_id=project_id, roles={project_id: ProjectRole.OWNER}, user_id=self.users.get(user)
        )
        return restrict_sessions(self.state.sessions, principal)

    def issue_token(self, user: str, scope: TokenScope = TokenScope.ADMIN, project: UUID | None = None) -> str:
        """Return the text of a new token."""
        with self.state.sessions.begin() as session:
            return tokens.issue_token(session, self.users[user], TokenRequest(user, scope, project)).text

    def authorize(
        self, user: str, scope: TokenScope = TokenScope.ADMIN, project: UUID | None = None
    ) -> dict[str, str]:
        """Return the headers of a request with a new token, in the own project."""
        return {"Authorization": f"Bearer {self.issue_token(user, scope, project)}", PROJECT_HEADER: str(self.own)}

    def create_job(self, project_id: UUID, *, is_cancelled: bool = False) -> UUID:
        """Insert a queued job, or one that was cancelled before it ran."""
        job_id = submit_job(self.restrict(project_id)).id
        if is_cancelled:
            with self.state.sessions.begin() as session:
                controls.cancel_job(session, job_id)
        return job_id

    def create_sweep(self, project_id: UUID) -> UUID:
        """Insert a sweep with two trials."""
        roles = {project_id: ProjectRole.OWNER}
        principal = Principal(project_id=project_id, roles=roles, user_id=self.users.get("submitter"))
        return self.state.sweep_submitter.submit(json.dumps(SWEEP).encode(), None, principal)

    def create_dataset(self, project_id: UUID) -> UUID:
        """Insert a dataset whose file does not exist, and a queued job that needs it."""
        columns = [ColumnDescription(name=name, type="float", missing=0) for name in ("x", "target")]
        description, stored = TableDescription(rows=99, columns=columns), FileReference("0" * 64, 8)
        sessions = self.restrict(project_id)
        with sessions.begin() as session:
            dataset, _ = catalog.add_dataset(session, "table", "text/csv", stored, description)
        submit_job(
            sessions,
            data=iris_spec()["data"] | {"dataset": str(dataset.id)},
            network={"layers": [{"type": "Dense", "units": 1}]},
            training={"loss": "mean_squared_error", "metrics": []},
        )
        return dataset.id

    def create_token(self, user: str) -> UUID:
        """Issue a token, and return its id."""
        prefix = self.issue_token(user)[:9]
        with self.state.sessions.read() as session:
            return session.scalars(select(Token.id).where(Token.prefix == prefix)).one()

    def get_or_create(self, key: Any, create: Callable[[], UUID]) -> UUID:
        """Return the object of a key, which is created once."""
        if key not in self.created:
            self.created[key] = create()
        return self.created[key]

    def register_worker(self) -> UUID:
        """Return the id of a live worker."""
        return record_heartbeat(self.state.sessions, build_registration(id=UUID(int=99)), 600.0).id

    def run_jobs(self, worker_id: UUID, job_ids: Iterable[UUID]) -> None:
        """Let the rows of jobs say that a worker runs them."""
        with self.state.sessions.begin() as session:
            values = {"state": JobState.RUNNING, "worker_id": worker_id}
            session.execute(update(Job).where(Job.id.in_(job_ids)).values(values))

    def add_guest(self) -> None:
        """Make the guest a viewer of the own project."""
        with self.state.sessions.begin() as session:
            projects.set_member(session, self.own, self.users["guest"], ProjectRole.VIEWER)

    def count_users(self) -> int:
        """Return the number of users."""
        with self.state.sessions.read() as session:
            return len(session.scalars(select(User.id)).all())

    def build_path(self, route: str, target: str, user: str) -> str:
        """Return the path of a route for an object of the own or the foreign project, or for none that exists."""
        method, _, path = route.partition(" ")
        project_id = self.own if target == "own" else self.foreign
        key = (route, project_id)
        if "{job_id}" in path:
            is_cancelled = path.endswith(("/retry", "/continue", "/events"))
            create = partial(self.create_job, project_id, is_cancelled=is_cancelled)
            path = self._fill(path, "{job_id}", target, key, create, is_fresh=method == "DELETE")
        if "{sweep_id}" in path:
            create = partial(self.create_sweep, project_id)
            path = self._fill(path, "{sweep_id}", target, key, create, is_fresh=method == "DELETE")
        for name in ("{dataset_id}", "{ref:path}"):
            if name in path:
                path = self._fill(
                    path, name, target, ("dataset", project_id), partial(self.create_dataset, project_id)
                )
        if "{token_id}" in path:
            owner = {"own": user, "foreign": "stranger"}.get(target, user)
            owner = owner if owner in self.users else "owner"
            path = self._fill(path, "{token_id}", target, (*key, owner), partial(self.create_token, owner))
        if "{worker_id}" in path:
            path = self._fill(path, "{worker_id}", target, "worker", self.register_worker)
        if "{project_id}" in path:
            if method == "DELETE" and "{user}" in path and self.users:
                self.add_guest()
            path = path.replace("{project_id}", str(MISSING_ID if target == "missing" else project_id))
            path = path.replace("{user}", "guest")
        name = "absent" if target == "missing" or not self.users else "submitter"
        return path.replace("{user}", name).replace("{number}", "0").replace("{form}", "svg")

    def _fill(
        self, path: str, name: str, target: str, key: Any, create: Callable[[], UUID], *, is_fresh: bool = False
    ) -> str:
        if target == "missing":
            return path.replace(name, str(MISSING_ID))
        return path.replace(name, str(create() if is_fresh else self.get_or_create(key, create)))
