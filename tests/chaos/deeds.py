"""What owners do with their jobs while the server is disturbed: cancel, pause, resume, change, delete."""

import contextlib
import threading
from collections import Counter
from random import Random
from typing import Any
from uuid import UUID

import httpx2

from tests.chaos.installation import Installation

CANCELLED = frozenset({"cancelled cancelled"})
_SETTLED = {200, 202, 404, 409}
"""It is done, or there is nothing more to do."""
_ODDS = {"nothing": 60, "pause": 3, "resume": 4, "cancel": 1, "delete": 1}


class Deeds:
    """Does now and then something with one of the jobs that have not ended, and has at the end every pause taken back.

    Several threads may do something at once.

    Args:
        installation: to talk to.
        random: what, and with which.

    """

    def __init__(self, installation: Installation, random: Random) -> None:
        self.done: Counter[str] = Counter()
        self.cancelled: set[UUID] = set()
        """Jobs whose owner asked for the end, whether or not an answer came."""
        self.deleted: dict[UUID, bool] = {}
        """Jobs whose owner asked for their removal, and whether an answer came."""
        self._paused: list[UUID] = []
        self._resuming = threading.Lock()
        self._installation = installation
        self._random = random

    def maybe(self, unended: list[UUID]) -> None:
        """Do something, or nothing."""
        deed = self._random.choices(list(_ODDS), list(_ODDS.values()))[0]
        if deed == "resume":
            self.resume()
        elif deed != "nothing" and unended:
            self.do(deed, self._random.choice(unended))

    def end(self) -> None:
        """Have every job that was paused go on.

        Raises:
            TimeoutError: the server does not answer.

        """
        for _ in range(1000):
            if not self._paused:
                return
            self.resume()
        raise TimeoutError("paused jobs could not be resumed")

    def do(self, deed: str, job_id: UUID) -> None:
        """Do one of cancel, pause, change and delete with a job."""
        if deed == "delete":
            self.deleted.setdefault(job_id, False)  # first, for others read of it meanwhile
            self.deleted[job_id] |= self._delete(job_id)
        elif deed == "change":
            self._send(deed, "PATCH", f"/v1/jobs/{job_id}", json={"tags": ["changed"]})
        else:
            if deed == "cancel":
                self.cancelled.add(job_id)
            else:
                self._paused.append(job_id)
            self._send(deed, "POST", f"/v1/jobs/{job_id}/{deed}")

    def resume(self) -> bool:
        """Have a job go on that was paused; whether there was one."""
        with self._resuming:
            if not self._paused:
                return False
            if self._send("resume", "POST", f"/v1/jobs/{self._paused[0]}/resume") in _SETTLED:
                del self._paused[0]
            return True

    def _delete(self, job_id: UUID) -> bool:
        return self._send("delete", "DELETE", f"/v1/jobs/{job_id}") == httpx2.codes.NO_CONTENT

    def _send(self, deed: str, method: str, path: str, **content: Any) -> int | None:
        """What the server answered, if it did."""
        with contextlib.suppress(httpx2.TransportError), self._installation.client() as http:
            status = http.request(method, path, **content).status_code
            self.done[f"{deed} {status}"] += 1
            return status
        return None
