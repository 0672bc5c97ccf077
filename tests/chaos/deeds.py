"""What owners do with their jobs while the server is disturbed: cancel, pause, resume, delete."""

import contextlib
from collections import Counter
from random import Random
from uuid import UUID

import httpx2

from tests.chaos.installation import Installation

CANCELLED = frozenset({"cancelled cancelled"})
_ODDS = {"nothing": 60, "pause": 3, "resume": 4, "cancel": 1, "delete": 1}


class Deeds:
    """Does now and then something with one of the jobs that have not ended, and has at the end every pause taken back.

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
        self._installation = installation
        self._random = random

    def maybe(self, unended: list[UUID]) -> None:
        """Do something, or nothing."""
        deed = self._random.choices(list(_ODDS), list(_ODDS.values()))[0]
        if deed == "resume":
            self._resume()
        elif deed != "nothing" and unended:
            self._do(deed, self._random.choice(unended))

    def end(self) -> None:
        """Have every job that was paused go on.

        Raises:
            TimeoutError: the server does not answer.

        """
        for _ in range(1000):
            if not self._paused:
                return
            self._resume()
        raise TimeoutError("paused jobs could not be resumed")

    def _do(self, deed: str, job_id: UUID) -> None:
        if deed == "delete":
            self.deleted[job_id] = self._delete(job_id)
            return
        if deed == "cancel":
            self.cancelled.add(job_id)
        else:
            self._paused.append(job_id)
        self._post(deed, job_id)

    def _delete(self, job_id: UUID) -> bool:
        with contextlib.suppress(httpx2.TransportError), self._installation.client() as http:
            status = http.delete(f"/v1/jobs/{job_id}").status_code
            self.done[f"delete {status}"] += 1
            return status == httpx2.codes.NO_CONTENT
        return False

    def _resume(self) -> None:
        if self._paused and self._post("resume", self._paused[0]):
            del self._paused[0]

    def _post(self, deed: str, job_id: UUID) -> bool:
        """Whether the server said that it is done, or that there is nothing more to do."""
        with contextlib.suppress(httpx2.TransportError), self._installation.client() as http:
            status = http.post(f"/v1/jobs/{job_id}/{deed}").status_code
            self.done[f"{deed} {status}"] += 1
            return status in {200, 202, 404, 409}
        return False
