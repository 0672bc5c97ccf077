"""What has a server's processes come by the steps that they seldom make: the request, the death or the end before."""

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx2
import psutil
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from models import Job
from tests.chaos.deeds import Deeds
from tests.chaos.installation import QUICK
from tests.chaos.round import Round, drawn

_EVERY_S = 3.0
_LONGER = 1.3
"""How long a process stands still, in leases, so that its attempt is lost."""
_UP_FOR_S = 10.5
"""A worker that ends sooner after its start, and so three times, makes `serve` give up."""
_TRIES = 60
_FIRST_NUMBER = 2_000_000
"""Of the jobs that are submitted here, beside the load's own."""


class Occasions:
    """Brings about, beside whatever else happens, what a step comes after.

    Args:
        round_: whose server and jobs.
        deeds: with its jobs, which the judge hears of.

    """

    def __init__(self, round_: Round, deeds: Deeds) -> None:
        self._round = round_
        self._random = drawn(round_.seed, "occasions")
        self._deeds = deeds
        self._numbers = itertools.count(_FIRST_NUMBER)
        self._last: dict[str, float] = {}
        self._told: set[psutil.Process] = set()
        """The workers that were told to end: one that is told twice ends at once."""
        self._beside = ThreadPoolExecutor(max_workers=3, thread_name_prefix="occasion")
        self._occasions: dict[str, Callable[[], object]] = {
            "service.jobs.submission.": self._submit,
            "api.datasets.delete": self._delete_dataset,
            "api api.datasets.": self._upload,
            "api service.storage.artifact_store.": self._upload,
            "api.jobs.routes.change": lambda: self._do("change"),
            "api.jobs.routes.cancel": lambda: self._do("cancel"),
            "api.jobs.routes.pause": lambda: self._do("pause"),
            "api.jobs.routes.resume": self._resume,
            "api.jobs.routes.delete": lambda: self._do("delete"),
            "api.workers.": self._drain,
            "api.app.": lambda: self._kill("api"),
            "worker.supervision.child_monitor.": lambda: self._kill("child"),
            "worker.supervision.reconciler._recover": self._lose,
            "worker.supervision.heartbeat.Heartbeat._leave": self._end_worker,
        }

    def rehearse(self, seen: Sequence[str]) -> bool:
        """Bring about what comes before the steps that nobody has come by yet; whether there are such."""
        unseen = [part for part in self._occasions if not any(part in place for place in seen)]
        for part in unseen:
            self.bring(part)
        return bool(unseen)

    def known(self, place: str) -> bool:
        """Whether it is known what the step comes after."""
        return self._of(place) is not None

    def bring(self, place: str) -> None:
        """Bring it about, if it is known and was not just now; it goes on beside."""
        occasion = self._of(place)
        if occasion is not None and time.monotonic() - self._last.get(place, 0) > _EVERY_S:
            self._last[place] = time.monotonic()
            self._beside.submit(_tried, occasion)

    def end(self) -> None:
        """Wait for what is under way."""
        self._beside.shutdown(cancel_futures=True)

    def _of(self, place: str) -> Callable[[], object] | None:
        return next((occasion for part, occasion in self._occasions.items() if part in place), None)

    def _submit(self) -> None:
        load = self._round.load
        load.submit(self._random.choice(load.kinds), next(self._numbers))

    def _upload(self) -> None:
        with self._round.installation.client() as http:
            self._round.load.upload(http)

    def _delete_dataset(self) -> None:
        uploaded = self._round.load.uploaded
        if not uploaded:
            self._upload()
        dataset_id, _ = uploaded.popitem()
        with self._round.installation.client() as http:
            http.delete(f"/v1/datasets/{dataset_id}")

    def _do(self, deed: str) -> None:
        if unended := self._round.load.unended():
            self._deeds.do(deed, self._random.choice(unended))

    def _resume(self) -> None:
        if not self._deeds.resume():
            self._do("pause")

    def _drain(self) -> None:
        """Have a worker take no more jobs, and then, however often that must be said, take them again."""
        with self._round.installation.client() as http:
            workers = http.get("/v1/workers").json()["items"]
            path = f"/v1/workers/{next(worker['id'] for worker in workers if worker['state'] != 'lost')}/drain"
            with contextlib.suppress(httpx2.TransportError):
                http.post(path)
            for _ in range(_TRIES):
                with contextlib.suppress(httpx2.TransportError):
                    if http.delete(path).status_code in {202, 404}:
                        return
                time.sleep(0.5)

    def _kill(self, part: str) -> None:
        if victim := self._victim(part):
            victim.send_signal(signal.SIGKILL)

    def _end_worker(self) -> None:
        worker = self._victim("worker-cpu")
        if worker and worker not in self._told and time.time() - worker.create_time() > _UP_FOR_S:
            self._told.add(worker)
            worker.send_signal(signal.SIGTERM)

    def _lose(self) -> None:
        if victim := self._victim("child"):
            victim.send_signal(signal.SIGSTOP)
            time.sleep(float(QUICK["STACKYARD_LEASE_S"]) * _LONGER)
            victim.send_signal(signal.SIGCONT)

    def _victim(self, part: str) -> psutil.Process | None:
        """One of these processes; of children, one that trains."""
        found = self._round.installation.processes(part)
        if part == "child":
            with self._round.installation.sessions.read() as session:
                workers = session.scalars(select(Job.worker).where(Job.state == "running")).all()
            training = {int(worker.rpartition(":")[2]) for worker in workers if worker}
            found = [child for child in found if child.pid in training]
        return self._random.choice(found) if found else None


def _tried(occasion: Callable[[], object]) -> None:
    """It is brought about again if a server that dies meanwhile, as it is meant to, is in the way."""
    with contextlib.suppress(
        httpx2.TransportError, SQLAlchemyError, psutil.Error, LookupError, ValueError, StopIteration
    ):
        occasion()
