"""Clients of a server under test: they submit until they are told 201, and look at what is there."""

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
from tests.chaos.deeds import Deeds
from tests.chaos.installation import Installation
from tests.chaos.specs import spec
from tests.waiting import until

_LOOK_S = 0.5
_UPLOADS = 0.05
"""How often a look comes with an upload, whose description takes a second of a core."""
CREATED = 201


class Load:
    """Submits jobs, so that there is always some work, uploads and reads; a POST is repeated until it is answered.

    Args:
        installation: to talk to.
        kinds: of jobs, taken in turn.
        ahead: how many jobs may be there that have not ended.
        random: which jobs it reads.

    """

    def __init__(self, installation: Installation, kinds: Sequence[str], *, ahead: int, random: Random) -> None:
        self.accepted: dict[UUID, str] = {}
        """The jobs for which there was a 201, by their kind."""
        self.uploaded: dict[UUID, str] = {}
        """The datasets for which there was a 201, with the SHA-256 of what was sent."""
        self.answers: Counter[str] = Counter()
        """How often each status was the answer; `no answer` where the connection broke."""
        self.slow_s = 0.0
        """The longest that a read was answered in."""
        self.deeds: Deeds | None = None
        """What is done with the jobs beside; nothing, unless it is set."""
        self.kinds = kinds
        self._installation = installation
        self._ahead = ahead
        self._random = random
        self._wanted: float = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self, jobs: int | None = None) -> None:
        """Begin to submit so many jobs, or as many as are done until `stop`."""
        self._wanted = math.inf if jobs is None else jobs
        self._thread.start()

    def stop(self) -> None:
        """Submit no more, and let every job go on that its owner had paused."""
        self._closing.set()
        self._thread.join()
        if self.deeds is not None:
            self.deeds.end()

    @property
    def submitted(self) -> bool:
        """Whether all jobs were accepted."""
        return not self._thread.is_alive()

    def submit(self, kind: str, number: int) -> UUID:
        """A job of a kind, accepted."""
        body = json.dumps(spec(kind, number)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{kind} {number}"}
        with self._installation.client() as http:
            response = until(lambda: self._post(http, body, headers), within=300, every=0.1)
        job_id = UUID(response.json()["id"])
        self.accepted[job_id] = kind
        return job_id

    def upload(self, http: httpx2.Client) -> None:
        """Upload a dataset that is not there yet."""
        body = f"a,b\n{self._random.random()},1\n2,{self._random.random()}\n".encode()
        response = http.post(
            "/v1/datasets", params={"name": "uploaded"}, content=body, headers={"Content-Type": "text/csv"}
        )
        self.answers[str(response.status_code)] += 1
        if response.status_code == CREATED:
            self.uploaded[UUID(response.json()["id"])] = hashlib.sha256(body).hexdigest()

    def unended(self) -> list[UUID]:
        """The accepted jobs that are not at their end, by the database."""
        return unended(self._installation, list(self.accepted))

    def _post(self, http: httpx2.Client, body: bytes, headers: dict[str, str]) -> httpx2.Response | None:
        try:
            response = http.post("/v1/jobs", content=body, headers=headers)
        except httpx2.TransportError:
            self.answers["no answer"] += 1
            return None
        self.answers[str(response.status_code)] += 1
        return response if response.status_code == CREATED else None

    def _run(self) -> None:
        number = 0
        while not self._closing.is_set() and number < self._wanted:
            unended = self.unended()
            if self.deeds is not None:
                self.deeds.maybe(unended)
            if len(unended) < self._ahead:
                self.submit(self.kinds[number % len(self.kinds)], number)
                number += 1
            else:
                self._look()
                self._closing.wait(_LOOK_S)

    def _look(self) -> None:
        gone = {} if self.deeds is None else self.deeds.deleted
        there = [job_id for job_id in list(self.accepted) if job_id not in gone]
        if not there:
            return
        job_id = self._random.choice(there)
        began = time.monotonic()
        try:
            with self._installation.client() as http:
                if self._random.random() < _UPLOADS:
                    self.upload(http)
                for path in ("/v1/jobs?limit=20", f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/history?max_points=50"):
                    status = http.get(path).status_code
                    if status != httpx2.codes.NOT_FOUND or job_id not in gone:  # deleted while this was asked
                        self.answers[str(status)] += 1
        except httpx2.TransportError:
            self.answers["no answer"] += 1
        self.slow_s = max(self.slow_s, time.monotonic() - began)


def unended(installation: Installation, job_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the jobs that are not at their end, by the database."""
    with installation.sessions.read() as session:
        going = set(session.scalars(select(Job.id).where(Job.state.not_in(TERMINAL_STATES))))
    return [job_id for job_id in job_ids if job_id in going]
