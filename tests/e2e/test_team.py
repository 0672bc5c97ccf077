"""The team's shape as plain processes: the commands of docker-compose.yml on a real PostgreSQL and a real Valkey.

The broker stands behind a password and TLS, and is taken away in every way.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx2
import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.e2e.conftest import Server
from tests.factories import iris_spec
from tests.servers.team import AUTHORIZED, Team
from tests.servers.tls import TlsDoor, certificate
from tests.servers.valkey import ESCAPED_PASSWORD, Valkey
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("team")


@pytest.fixture(scope="module")
def database_url(postgres_admin_url) -> Iterator[str]:
    """An empty database: the migrate service makes its tables."""
    name = f"team_{uuid4().hex}"
    with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_url(postgres_admin_url).set(drivername="postgresql+psycopg", database=name).render_as_string()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with TemporaryDirectory(prefix="vk-", dir="/tmp") as directory, Valkey(Path(directory)) as valkey:
        yield valkey


@pytest.fixture(scope="module")
def secure_url(valkey, tmp_path_factory) -> Iterator[str]:
    own = certificate(tmp_path_factory.mktemp("tls"))
    door = TlsDoor(own, (valkey.host, valkey.port))
    yield f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{door.port}/0?ssl_ca_certs={own.certificate}"
    door.close()


@pytest.fixture(scope="module")
def team(database_url, secure_url, tmp_path_factory) -> Iterator[Team]:
    """Migrated, with an API and no worker yet."""
    team = Team(database_url, secure_url, tmp_path_factory.mktemp("team"))
    try:
        assert team.start("migrate").wait(60) == 0
        team.start("api")
        yield team
    finally:
        team.close()


@pytest.fixture(scope="module")
def api(team) -> Iterator[Server]:
    with httpx2.Client(base_url=f"http://127.0.0.1:{team.port}", headers=AUTHORIZED, timeout=30) as http:
        until(lambda: _answers(http))
        yield Server(http)


def _answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def test_only_who_has_the_token_comes_in(api):
    stranger = {"Authorization": "Bearer guess"}
    assert api.http.get("/v1/jobs", headers=stranger).status_code == 401
    assert api.http.get("/healthz", headers=stranger).status_code == 200


def test_a_job_waits_for_a_worker_and_outlives_the_one_that_is_killed(team, api):
    job_id = api.submit(iris_spec(training={"epochs": 4_000}))
    assert api.job(job_id)["queue_position"] == 0
    first = team.start("worker-cpu")
    api.until_running(job_id, epochs=3)
    os.killpg(first.pid, signal.SIGKILL)
    team.start("worker-cpu")
    job = api.until_ended(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2), job
    assert api.history(job_id)["epochs"] == list(range(4_000))
    model = api.http.get(f"/v1/jobs/{job_id}/model")
    assert model.content.startswith(b"PK")
    assert api.http.get(f"/v1/jobs/{job_id}/summary").status_code == 200


def test_a_broker_that_dies_forgets_or_hangs_costs_no_job(valkey, api):
    """The worker of the test before lives."""
    valkey.kill()
    while_dead = api.submit(iris_spec())
    valkey.start()
    assert api.until_ended(while_dead, within=30)["state"] == "succeeded"

    running, waiting = api.submit(iris_spec(training={"epochs": 1_000})), api.submit(iris_spec())
    valkey.flush()
    assert api.until_ended(waiting, within=60)["state"] == "succeeded"
    assert api.job(running)["attempt"] == 1

    valkey.freeze()
    while_frozen = api.submit(iris_spec())
    valkey.thaw()
    assert api.until_ended(while_frozen, within=30)["state"] == "succeeded"
    assert api.http.get("/readyz").json() == {"ready": True, "database": "ok", "broker": "ok"}
