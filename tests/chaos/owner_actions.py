"""The actions of job owners while the server is disturbed: cancel, pause, resume, change, delete."""

import contextlib
import threading
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import httpx2

from tests.chaos.installation import Installation

CANCELLED = frozenset({"cancelled cancelled"})
_FINAL_STATUSES = {200, 202, 404, 409}
"""The action succeeded, or there is nothing left to do."""
_WEIGHTS = {"nothing": 60, "pause": 3, "resume": 4, "cancel": 1, "delete": 1}


class OwnerActions:
    """Performs random actions on unfinished jobs, and resumes every paused job at the end.

    Several threads may perform actions at once.

    Args:
        installation: the server to talk to.
        random: chooses the actions and the jobs.

    """

    def __init__(self, installation: Installation, random: Random) -> None:
        self.counts: Counter[str] = Counter()
        self.cancelled: set[UUID] = set()
        """Jobs whose owner requested cancellation, whether or not an answer arrived."""
        self.deleted: dict[UUID, bool] = {}
        """Jobs whose owner requested deletion, and whether an answer arrived."""
        self._paused: list[UUID] = []
        self._resume_lock = threading.Lock()
        self._installation = installation
        self._random = random

    def perform_random(self, unfinished: list[UUID]) -> None:
        """Perform a random action, or none."""
        action = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if action == "resume":
            self.resume_next()
        elif action != "nothing" and unfinished:
            self.perform(action, self._random.choice(unfinished))

    def resume_all(self) -> None:
        """Resume every paused job.

        Raises:
            TimeoutError: the server does not answer.

        """
        for _ in range(1000):
            if not self._paused:
                return
            self.resume_next()
        raise TimeoutError("paused jobs could not be resumed")

    def perform(self, action: str, job_id: UUID) -> None:
        """Cancel, pause, change or delete a job."""
        if action == "delete":
            self.deleted.setdefault(job_id, False)  # before the request, because other threads read the job meanwhile
            self.deleted[job_id] |= self._delete_job(job_id)
        elif action == "change":
            self._send_request(action, "PATCH", f"/v1/jobs/{job_id}", json={"tags": ["changed"]})
        else:
            if action == "cancel":
                self.cancelled.add(job_id)
            else:
                self._paused.append(job_id)
            self._send_request(action, "POST", f"/v1/jobs/{job_id}/{action}")

    def resume_next(self) -> bool:
        """Resume the job that was paused first; return whether there was one."""
        with self._resume_lock:
            if not self._paused:
                return False
            if self._send_request("resume", "POST", f"/v1/jobs/{self._paused[0]}/resume") in _FINAL_STATUSES:
                del self._paused[0]
            return True

    def _delete_job(self, job_id: UUID) -> bool:
        return self._send_request("delete", "DELETE", f"/v1/jobs/{job_id}") == httpx2.codes.NO_CONTENT

    def _send_request(self, action: str, method: str, path: str, **content: Any) -> int | None:
        """Return the status of the answer, or None without an answer."""
        with contextlib.suppress(httpx2.TransportError), self._installation.create_client() as http:
            status = http.request(method, path, **content).status_code
            self.counts[f"{action} {status}"] += 1
            return status
        return None
