"""The clients of a server under test: they submit jobs, repeat each POST until it is accepted, and read."""

import hashlib
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from uuid import UUID

import httpx2
from sqlalchemy import select

from models import TERMINAL_STATES, Job
from tests.chaos.installation import Installation
from tests.chaos.owner_actions import OwnerActions
from tests.chaos.specs import build_spec
from tests.polling import wait_until

_READ_INTERVAL_S = 0.5
_UPLOAD_SHARE = 0.05
"""The share of reads that come with an upload; few, because the inspection of an upload is expensive."""
CREATED = 201


class Load:
    """Submits jobs so that there is always some work, uploads datasets, and reads.

    Args:
        installation: the server to talk to.
        kinds: the kinds of jobs, submitted in turn.
        ahead: the maximum number of unfinished jobs.
        random: chooses the jobs that are read.

    """

    def __init__(self, installation: Installation, kinds: Sequence[str], *, ahead: int, random: Random) -> None:
        self.accepted: dict[UUID, str] = {}
        """The jobs whose submit was answered 201, with their kind."""
        self.uploaded: dict[UUID, str] = {}
        """The datasets whose upload was answered 201, with the SHA-256 of their content."""
        self.answers: Counter[str] = Counter()
        """The number of answers by status; `no answer` if the connection broke."""
        self.slow_s = 0.0
        """The time of the slowest read."""
        self.owner_actions: OwnerActions | None = None
        """Performs actions on the jobs meanwhile, if it is set."""
        self.kinds = kinds
        self._installation = installation
        self._ahead = ahead
        self._random = random
        self._max_jobs: float = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self, jobs: int | None = None) -> None:
        """Start to submit this many jobs, or jobs without end until `stop`."""
        self._max_jobs = math.inf if jobs is None else jobs
        self._thread.start()

    def stop(self) -> None:
        """Submit no more jobs, and resume all paused ones."""
        self._closing.set()
        self._thread.join()
        if self.owner_actions is not None:
            self.owner_actions.resume_all()

    @property
    def is_submitted(self) -> bool:
        """Whether all jobs were accepted."""
        return not self._thread.is_alive()

    def submit_job(self, kind: str, number: int) -> UUID:
        """Submit a job of a kind, and repeat the request until it is accepted."""
        body = json.dumps(build_spec(kind, number)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{kind} {number}"}
        with self._installation.create_client(number) as http:
            response = wait_until(lambda: self._post_job(http, body, headers), within=300, every=0.1)
        job_id = UUID(response.json()["id"])
        self.accepted[job_id] = kind
        return job_id

    def upload_dataset(self, http: httpx2.Client) -> None:
        """Upload a dataset with new content."""
        body = f"a,b\n{self._random.random()},1\n2,{self._random.random()}\n".encode()
        response = http.post(
            "/v1/datasets", params={"name": "uploaded"}, content=body, headers={"Content-Type": "text/csv"}
        )
        self.answers[str(response.status_code)] += 1
        if response.status_code == CREATED:
            self.uploaded[UUID(response.json()["id"])] = hashlib.sha256(body).hexdigest()

    def list_unfinished_jobs(self) -> list[UUID]:
        """Return the accepted jobs that are not in a terminal state in the database."""
        accepted = list(self.accepted)  # before the query: a job accepted meanwhile must not count as ended
        with self._installation.sessions.read() as session:
            unfinished = set(session.scalars(select(Job.id).where(Job.state.not_in(TERMINAL_STATES))))
        return [job_id for job_id in accepted if job_id in unfinished]

    def _post_job(self, http: httpx2.Client, body: bytes, headers: dict[str, str]) -> httpx2.Response | None:
        try:
            response = http.post("/v1/jobs", content=body, headers=headers)
        except httpx2.TransportError:
            self.answers["no answer"] += 1
            return None
        self.answers[str(response.status_code)] += 1
        return response if response.status_code == CREATED else None

    def _run(self) -> None:
        number = 0
        while not self._closing.is_set() and number < self._max_jobs:
            unfinished = self.list_unfinished_jobs()
            if self.owner_actions is not None:
                self.owner_actions.perform_random(unfinished)
            if len(unfinished) < self._ahead:
                self.submit_job(self.kinds[number % len(self.kinds)], number)
                number += 1
            else:
                self._read_random_job()
                self._closing.wait(_READ_INTERVAL_S)

    def _read_random_job(self) -> None:
        deleted = {} if self.owner_actions is None else self.owner_actions.deleted
        readable = [job_id for job_id in list(self.accepted) if job_id not in deleted]
        if not readable:
            return
        job_id = self._random.choice(readable)
        start = time.monotonic()
        try:
            with self._installation.create_client() as http:
                if self._random.random() < _UPLOAD_SHARE:
                    self.upload_dataset(http)
                for path in ("/v1/jobs?limit=20", f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/history?max_points=50"):
                    status = http.get(path).status_code
                    if status != httpx2.codes.NOT_FOUND or job_id not in deleted:  # it may be deleted meanwhile
                        self.answers[str(status)] += 1
        except httpx2.TransportError:
            self.answers["no answer"] += 1
        self.slow_s = max(self.slow_s, time.monotonic() - start)
