"""Event streams of a job with a long history, whose clients read nothing."""

import math
import socket
import time
from collections import Counter
from contextlib import ExitStack
from urllib.parse import urlsplit
from uuid import UUID

import psutil
from sqlalchemy import delete, insert

from models import Epoch, Job
from service.db.database import SessionFactory
from tests.attacks.target import AttackResult, Target
from tests.factories import iris_spec
from tests.polling import wait_until

TITLE = "Event streams that are not read"
POINT = 7

_NAME = "attack-streams"
_STREAMS = 100
_EPOCHS = 20_000
_METRICS = 16
_MAX_GROWTH = 100 * 2**20


def run_attack(target: Target) -> AttackResult:
    """Open streams, read nothing, and measure the memory of the API."""
    job_id = target.client.get("/v1/jobs", params={"name": _NAME}).json()["items"][0]["id"]
    api = _find_process(urlsplit(target.url).port or 80)
    before = api.memory_info().rss
    with ExitStack() as connections:
        for _ in range(_STREAMS):
            _open_stream(connections, target, job_id)
        time.sleep(5)  # the time in which the server could read ahead
        growth = api.memory_info().rss - before
        statuses = [
            _open_stream(connections, target, job_id, wait=True)
            for _ in range(target.settings.max_client_event_streams)
        ]
    figures = {
        "streams": str(_STREAMS),
        "memory": f"+{growth / 2**20:.0f} MiB",
        "answers to further ones": ", ".join(f"{count} x {status}" for status, count in Counter(statuses).items()),
    }
    return AttackResult(growth < _MAX_GROWTH and 429 in statuses, figures)


def prepare_attack(target: Target) -> None:
    """Write the history of a long job into the database, which takes other writers some time on SQLite."""
    # A worker may begin to train: the job is too long to end before it is cancelled, and its epochs are replaced.
    spec = iris_spec(name=_NAME, training={"epochs": _EPOCHS})
    job_id: str = target.client.post("/v1/jobs", json=spec).raise_for_status().json()["id"]
    target.client.post(f"/v1/jobs/{job_id}/cancel").raise_for_status()
    wait_until(lambda: target.client.get(f"/v1/jobs/{job_id}").json()["state"] == "cancelled")
    sessions = SessionFactory(target.settings.resolved_database_url)
    with sessions.begin() as session:
        job = session.get_one(Job, UUID(job_id))
        job.metric_names, job.epochs_done = [f"metric_{index}" for index in range(_METRICS)], _EPOCHS
        values = [math.pi] * _METRICS
        rows = [{"job_id": job.id, "epoch": epoch, "values": values} for epoch in range(_EPOCHS)]
        session.execute(delete(Epoch).where(Epoch.job_id == job.id))
        session.execute(insert(Epoch), rows)
    sessions.dispose()


def _open_stream(connections: ExitStack, target: Target, job_id: str, *, wait: bool = False) -> int:
    address = urlsplit(target.url)
    connection = connections.enter_context(socket.create_connection((address.hostname, address.port or 80)))
    head = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: {address.netloc}\r\n"
    token = f"Authorization: Bearer {target.token}\r\n" if target.token else ""
    connection.sendall(f"{head}{token}\r\n".encode())
    return int(connection.recv(16).split()[1]) if wait else 0


def _find_process(port: int) -> psutil.Process:
    listening = (item for item in psutil.net_connections("tcp") if item.status == "LISTEN" and item.pid)
    return psutil.Process(next(item.pid for item in listening if item.laddr.port == port))
