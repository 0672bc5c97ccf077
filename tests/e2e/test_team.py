"""A team's installation: the services of docker-compose.yml as plain processes, with PostgreSQL and Valkey.

The broker needs a password and TLS, and is killed, emptied and frozen.
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

from tests.factories import iris_spec
from tests.polling import wait_until
from tests.servers.local_server import Server
from tests.servers.team import AUTHORIZED, Team
from tests.servers.tls import TlsProxy, create_certificate
from tests.servers.valkey import ESCAPED_PASSWORD, Valkey

pytestmark = pytest.mark.xdist_group("team")


@pytest.fixture(scope="module")
def database_url(postgres_admin_url) -> Iterator[str]:
    """The URL of an empty database, in which the migrate service creates the tables."""
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
    files = create_certificate(tmp_path_factory.mktemp("tls"))
    proxy = TlsProxy(files, (valkey.host, valkey.port))
    yield f"rediss://:{ESCAPED_PASSWORD}@127.0.0.1:{proxy.port}/0?ssl_ca_certs={files.certificate}"
    proxy.close()


@pytest.fixture(scope="module")
def team(database_url, secure_url, tmp_path_factory) -> Iterator[Team]:
    """A migrated installation with an API and without workers."""
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
        wait_until(lambda: _is_ready(http))
        yield Server(http)


def _is_ready(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


def test_requests_need_the_token(api):
    wrong_token = {"Authorization": "Bearer guess"}
    assert api.http.get("/v1/jobs", headers=wrong_token).status_code == 401
    assert api.http.get("/healthz", headers=wrong_token).status_code == 200


@pytest.mark.exhaustive
def test_a_job_waits_for_a_worker_and_survives_its_kill(team, api):
    job_id = api.submit(iris_spec(training={"epochs": 4_000}))
    assert api.get_job(job_id)["queue_position"] == 0
    first = team.start("worker-cpu")
    api.until_running(job_id, epochs=3)
    os.killpg(first.pid, signal.SIGKILL)
    team.start("worker-cpu")
    job = api.until_ended(job_id)
    assert (job["state"], job["attempt"]) == ("succeeded", 2), job
    assert api.get_history(job_id)["epochs"] == list(range(4_000))
    model = api.http.get(f"/v1/jobs/{job_id}/model")
    assert model.content.startswith(b"PK")
    assert api.http.get(f"/v1/jobs/{job_id}/summary").status_code == 200


def test_no_job_is_lost_when_the_broker_dies_forgets_or_hangs(team, valkey, api):
    team.start("worker-cpu")
    assert api.until_ended(api.submit(iris_spec()))["state"] == "succeeded"

    valkey.kill()
    while_dead = api.submit(iris_spec())
    valkey.start()
    assert api.until_ended(while_dead, within=30)["state"] == "succeeded"

    running, waiting = api.submit(iris_spec(training={"epochs": 1_000})), api.submit(iris_spec())
    valkey.flush()
    assert api.until_ended(waiting, within=60)["state"] == "succeeded"
    assert api.get_job(running)["attempt"] == 1

    valkey.freeze()
    while_frozen = api.submit(iris_spec())
    valkey.thaw()
    assert api.until_ended(while_frozen, within=30)["state"] == "succeeded"
    assert api.http.get("/readyz").json() == {"ready": True, "database": "ok", "broker": "ok"}
