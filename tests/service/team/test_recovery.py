"""At the server's machine, an admin who lost all tokens gets a new one."""

import json

import pytest

from models import TokenKind, UserRole
from service.settings import Settings
from service.team import authentication, recovery, users
from service.team.__main__ import main


@pytest.fixture
def ann(either_sessions):
    """An admin, and the text of their first token."""
    with either_sessions.begin() as session:
        return users.add_user(session, "ann", UserRole.ADMIN, {})


@pytest.fixture
def run_module(either_url, tmp_path, monkeypatch, capsys):
    """Run `python -m service.team` in this process, and return what it prints as JSON."""
    monkeypatch.setenv("STACKYARD_DATABASE_URL", either_url)
    monkeypatch.setenv("STACKYARD_DATA_DIR", str(tmp_path))

    def run(*arguments):
        main(list(arguments))
        return json.loads(capsys.readouterr().out)

    return run


def find_principal(sessions, token):
    with sessions.read() as session:
        return authentication.find_principal(session, token, TokenKind.PERSONAL)


def test_a_new_token_makes_a_user_an_admin_again(either_sessions, ann, run_module):
    with either_sessions.begin() as session:
        ben, _ = users.add_user(session, "ben", UserRole.ADMIN, {})
        users.change_user(session, ann[0].id, {"role": UserRole.MEMBER}, is_disabled=True)
        users.change_user(session, ben.id, {}, is_disabled=False)
    result = run_module("recover", "ann")
    principal = find_principal(either_sessions, result["token"])
    assert (principal.user_name, principal.is_admin, result["role"]) == ("ann", True, "admin")
    assert find_principal(either_sessions, ann[1].text) is not None


def test_other_tokens_are_revoked_on_request(either_sessions, ann, run_module):
    result = run_module("recover", "--revoke-others", "ann")
    assert find_principal(either_sessions, ann[1].text) is None
    assert find_principal(either_sessions, result["token"]).is_admin


@pytest.mark.usefixtures("ann")
def test_an_unknown_user_is_refused_with_the_names_of_the_admins(run_module):
    with pytest.raises(SystemExit, match=r"no user 'bob'\. The admins are: ann"):
        run_module("recover", "bob")


def test_a_server_without_users_has_nobody_to_recover(run_module):
    assert run_module("has-users") is False
    with pytest.raises(SystemExit, match="no users"):
        run_module("recover", "ann")


@pytest.mark.usefixtures("ann")
def test_users_are_found_in_the_database(run_module):
    assert run_module("has-users") is True


def test_an_installation_without_a_database_has_no_users(tmp_path):
    assert not recovery.has_installed_users(Settings(data_dir=tmp_path / "new"))
