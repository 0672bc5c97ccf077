"""Limits of users, as clients see them: problem documents with numbers, and what to do."""

import pytest
from sqlalchemy import update

from models import User, UserRole
from service.db.database import SessionFactory
from service.team import users
from tests.factories import iris_spec

CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def limit_user(client, settings):
    """A function that sets the limits of a user, whose token the client sends."""
    sessions = SessionFactory(settings.resolved_database_url)
    with sessions.begin() as session:
        user, issued = users.add_user(session, "admin", UserRole.ADMIN, {})
    client.headers["Authorization"] = f"Bearer {issued.text}"

    def set_limits(**limits):
        with sessions.begin() as session:
            session.execute(update(User).where(User.id == user.id).values(limits))

    yield set_limits
    sessions.dispose()


def test_a_submit_beyond_max_queued_is_a_429_that_says_what_to_do(client, limit_user):
    limit_user(max_queued=1)
    assert client.post("/v1/jobs", json=iris_spec()).status_code == 201
    refusal = client.post("/v1/jobs", json=iris_spec())
    assert (refusal.status_code, refusal.json()["code"]) == (429, "too_many_queued")
    assert refusal.headers["content-type"] == "application/problem+json"
    assert int(refusal.headers["retry-after"]) > 0
    assert "at most" not in refusal.json()["detail"]
    assert "1 waiting job (max_queued), and have 1" in refusal.json()["detail"]
    [job] = client.get("/v1/jobs").json()["items"]
    assert client.post(f"/v1/jobs/{job['id']}/cancel").is_success
    assert client.post(f"/v1/jobs/{job['id']}/retry").status_code == 201
    assert client.post(f"/v1/jobs/{job['id']}/retry").json()["code"] == "too_many_queued"


def test_an_upload_beyond_max_bytes_is_a_507_and_a_repeated_upload_is_not(client, limit_user):
    limit_user(max_bytes=20)
    content = b"a,b\n1,2\n3,4\n"
    parameters = {"name": "small"}
    assert client.post("/v1/datasets", params=parameters, content=content, headers=CSV).status_code == 201
    refusal = client.post("/v1/datasets", params={"name": "more"}, content=content, headers=CSV)
    assert (refusal.status_code, refusal.json()["code"]) == (507, "storage_limit_reached")
    assert "store 12; this file has 12." in refusal.json()["detail"]
    assert "retry-after" not in refusal.headers
    assert client.post("/v1/datasets", params=parameters, content=content, headers=CSV).status_code == 200
    assert client.post("/v1/jobs", json=iris_spec()).status_code == 201
    limit_user(max_bytes=12)
    assert client.post("/v1/jobs", json=iris_spec()).json()["code"] == "storage_limit_reached"
