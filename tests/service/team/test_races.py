"""Transactions of users, projects and tokens that run at the same time, on both databases."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select, text

from models import Membership, ProjectRole, Token, TokenKind, TokenScope, UserRole
from service.datasets import catalog
from service.errors import Conflict, NotFound
from service.jobs import insertion, validation
from service.jobs.lists import job_lists
from service.jobs.queries import JobFilter
from service.team import authentication, projects, tokens, users
from service.team.principal import IMPLICIT_ADMIN
from service.team.tokens import TokenRequest
from stackyard.spec import Limits, parse_spec
from tests.factories import iris_spec
from tests.polling import wait_until


@pytest.fixture
def run_together(either_sessions):
    """A function that runs a second transaction while the first one is not committed, and returns its result."""

    def run(first, second):
        def run_second():
            with either_sessions.begin() as session:
                return second(session)

        with ThreadPoolExecutor(1) as executor:
            with either_sessions.begin() as session:
                first(session)
                future = executor.submit(run_second)
                if either_sessions.engine.dialect.name == "postgresql":
                    wait_until(lambda: future.done() or count_waiting(either_sessions))
            return future.result()

    return run


def count_waiting(sessions):
    """Return the number of transactions of the server that wait for a lock."""
    with sessions.read() as session:
        return session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))


@pytest.fixture
def admin(either_sessions):
    with either_sessions.begin() as session:
        return users.add_user(session, "ann", UserRole.ADMIN, {})[0]


@pytest.fixture
def project(either_sessions, admin):
    with either_sessions.begin() as session:
        return projects.add_project(session, "vision", admin.id)


def build_submit(sessions, project):
    """Return a function that submits a job into a project within a transaction."""
    spec = parse_spec(json.dumps(iris_spec()).encode())
    with sessions.read() as session:
        validated = validation.validate_spec(spec, catalog.find_dataset(session, spec.data.dataset), Limits())
    return lambda session: insertion.insert_jobs(session, [replace(validated, project_id=project.id)])


def delete_project(project):
    return lambda session: projects.delete_project(session, projects.get_project(session, project.id, IMPLICIT_ADMIN))


def test_a_project_is_not_deleted_while_a_job_is_submitted_into_it(either_sessions, run_together, project):
    with pytest.raises(Conflict, match="has jobs"):
        run_together(build_submit(either_sessions, project), delete_project(project))


def test_no_job_is_submitted_into_a_project_while_it_is_deleted(either_sessions, run_together, project):
    with pytest.raises(NotFound, match="project"):
        run_together(delete_project(project), build_submit(either_sessions, project))
    with either_sessions.read() as session:
        assert job_lists.list_jobs(session, JobFilter(), limit=9, cursor=None).items == ()


def test_no_member_is_added_to_a_project_while_it_is_deleted(run_together, project, admin):
    with pytest.raises(NotFound, match="project"):
        run_together(
            delete_project(project),
            lambda session: projects.set_member(session, project.id, admin.id, ProjectRole.VIEWER),
        )


def test_two_deletions_of_a_project_are_one(run_together, project):
    with pytest.raises(NotFound, match="project"):
        run_together(delete_project(project), delete_project(project))


def test_a_member_who_is_added_twice_is_one_member(either_sessions, run_together, project, admin):
    def set_role(role):
        return lambda session: projects.set_member(session, project.id, admin.id, role)

    run_together(set_role(ProjectRole.VIEWER), set_role(ProjectRole.EDITOR))
    with either_sessions.read() as session:
        query = select(Membership.role).where(Membership.project_id == project.id)
        assert session.scalars(query).all() == [ProjectRole.EDITOR]


@pytest.mark.parametrize("change", ["delete", "disable", "demote"])
def test_two_admins_cannot_remove_each_other(either_sessions, run_together, admin, change):
    with either_sessions.begin() as session:
        other = users.add_user(session, "bea", UserRole.ADMIN, {})[0]
        users.add_user(session, "cal", UserRole.MEMBER, {})

    def remove(user):
        match change:
            case "delete":
                return lambda session: users.delete_user(session, user.id)
            case "disable":
                return lambda session: users.change_user(session, user.id, {}, is_disabled=True)
            case _:
                values = {"role": UserRole.MEMBER}
                return lambda session: users.change_user(session, user.id, values, is_disabled=None)

    with pytest.raises(Conflict, match="admin"):
        run_together(remove(admin), remove(other))


def test_the_last_admin_is_not_deleted_while_a_member_is_added(either_sessions, run_together, admin):
    def add_member(session):
        users.add_user(session, "cal", UserRole.MEMBER, {})

    with pytest.raises(Conflict, match="admin"):
        run_together(add_member, lambda session: users.delete_user(session, admin.id))
    with either_sessions.read() as session:
        assert users.find_user(session, "ann").role is UserRole.ADMIN


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("second", ["a deletion", "a change"])
def test_a_user_who_was_deleted_meanwhile_is_missing(either_sessions, run_together, second):
    with either_sessions.begin() as session:
        member = users.add_user(session, "cal", UserRole.MEMBER, {})[0]

    def delete(session):
        users.delete_user(session, member.id)

    def change(session):
        users.change_user(session, member.id, {"shares": 2.0}, is_disabled=None)

    with pytest.raises(NotFound, match="user"):
        run_together(delete, delete if second == "a deletion" else change)


def test_no_session_starts_with_a_token_while_it_is_revoked(either_sessions, run_together, admin):
    with either_sessions.begin() as session:
        issued = tokens.issue_token(session, admin.id, TokenRequest("laptop", TokenScope.ADMIN))

    def revoke(session):
        tokens.revoke_token(session, tokens.lock_token(session, issued.token.id, IMPLICIT_ADMIN))

    def log_in(session):
        found = authentication.find_token(session, issued.text, TokenKind.PERSONAL, keep=True)
        return None if found is None else tokens.start_session(session, found[0], 60.0)

    assert run_together(revoke, log_in) is None
    with either_sessions.read() as session:
        assert session.scalars(select(Token).where(Token.kind == TokenKind.SESSION)).all() == []


def test_uses_are_recorded_without_waiting_for_a_token_that_is_changed(either_sessions, run_together, admin):
    """Else a revocation of a token and its sessions, and a record of their uses, could wait for each other."""
    with either_sessions.begin() as session:
        issued = tokens.issue_token(session, admin.id, TokenRequest("laptop", TokenScope.ADMIN))
    uses = {issued.token.id: admin.created_at}
    run_together(
        lambda session: tokens.lock_token(session, issued.token.id, IMPLICIT_ADMIN),
        lambda session: authentication.record_uses(session, uses),
    )
    with either_sessions.begin() as session:
        authentication.record_uses(session, uses)
    with either_sessions.read() as session:
        used_at = session.scalars(select(Token.last_used_at).where(Token.id == issued.token.id)).one()
        assert used_at == admin.created_at
