"""Triggers for rarely made durable steps: the request, kill or stop after which a process reaches the step."""

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType, ModuleType

import httpx2
import psutil
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api import app as api_app
from api import datasets
from api.jobs import routes as job_routes
from api.workers import routes as workers
from models import Job
from service.jobs import submission
from service.storage import artifact_store
from tests.chaos.installation import QUICK
from tests.chaos.owner_actions import OwnerActions
from tests.chaos.round import Round, create_random
from worker.supervision import child_monitor, reconciler
from worker.supervision.heartbeat import Heartbeat

_MIN_INTERVAL_S = 3.0
_STOP_LEASES = 1.3
"""The time for which a process is stopped, in leases: long enough that its attempt is lost."""
_MIN_UPTIME_S = 10.5
"""`serve` gives up after a worker ends three times sooner than this after its start."""
_MAX_TRIES = 60
_FIRST_NUMBER = 2_000_000
"""The first number of the jobs submitted here, so that they do not collide with the load's jobs."""


def _dotted(subject: FunctionType | ModuleType) -> str:
    """Return how the names of steps begin after the process: a function's dotted name, or a module's with a dot."""
    return (
        f"{subject.__name__}." if isinstance(subject, ModuleType) else f"{subject.__module__}.{subject.__qualname__}"
    )


class StepTriggers:
    """Makes processes reach rarely made steps while everything else goes on.

    Args:
        round_: the server and its jobs.
        owner_actions: performs the actions on jobs, so that the judge knows of them.

    """

    def __init__(self, round_: Round, owner_actions: OwnerActions) -> None:
        self._round = round_
        self._random = create_random(round_.seed, "occasions")
        self._owner_actions = owner_actions
        self._numbers = itertools.count(_FIRST_NUMBER)
        self._last_pulled: dict[str, float] = {}
        self._stopping: set[psutil.Process] = set()
        """The workers that got SIGTERM: a second one would end them at once."""
        self._executor = ThreadPoolExecutor(max_workers=3, thread_name_prefix="trigger")
        self._triggers: dict[str, Callable[[], object]] = {
            _dotted(submission): self._submit_job,
            _dotted(datasets.delete_dataset): self._delete_dataset,
            f"api {_dotted(datasets)}": self._upload_dataset,
            f"api {_dotted(artifact_store)}": self._upload_dataset,
            _dotted(job_routes.change_job): lambda: self._perform("change"),
            _dotted(job_routes.cancel_job): lambda: self._perform("cancel"),
            _dotted(job_routes.pause_job): lambda: self._perform("pause"),
            _dotted(job_routes.resume_job): self._resume_job,
            _dotted(job_routes.delete_job): lambda: self._perform("delete"),
            _dotted(workers): self._drain_worker,
            _dotted(api_app): lambda: self._kill_process("api"),
            _dotted(child_monitor): lambda: self._kill_process("child"),
            _dotted(reconciler._recover): self._lose_attempt,
            _dotted(Heartbeat._leave): self._stop_worker,
        }
        """By a part of the step's name."""

    def pull_missing(self, seen_steps: Sequence[str]) -> bool:
        """Pull the triggers of steps that no process has passed yet; return whether there are any."""
        missing = [part for part in self._triggers if not any(part in step for step in seen_steps)]
        for part in missing:
            self.pull(part)
        return bool(missing)

    def has_trigger(self, step: str) -> bool:
        """Return whether the step has a trigger."""
        return self._find_trigger(step) is not None

    def pull(self, step: str) -> None:
        """Start the step's trigger in another thread, if there is one and it was not pulled just before."""
        trigger = self._find_trigger(step)
        if trigger is not None and time.monotonic() - self._last_pulled.get(step, 0) > _MIN_INTERVAL_S:
            self._last_pulled[step] = time.monotonic()
            self._executor.submit(_run_trigger, trigger)

    def close(self) -> None:
        """Wait for running triggers."""
        self._executor.shutdown(cancel_futures=True)

    def _find_trigger(self, step: str) -> Callable[[], object] | None:
        return next((trigger for part, trigger in self._triggers.items() if part in step), None)

    def _submit_job(self) -> None:
        load = self._round.load
        load.submit_job(self._random.choice(load.kinds), next(self._numbers))

    def _upload_dataset(self) -> None:
        with self._round.installation.create_client() as http:
            self._round.load.upload_dataset(http)

    def _delete_dataset(self) -> None:
        uploaded = self._round.load.uploaded
        if not uploaded:
            self._upload_dataset()
        dataset_id, _ = uploaded.popitem()
        with self._round.installation.create_client() as http:
            http.delete(f"/v1/datasets/{dataset_id}")

    def _perform(self, action: str) -> None:
        if unfinished := self._round.load.list_unfinished_jobs():
            self._owner_actions.perform(action, self._random.choice(unfinished))

    def _resume_job(self) -> None:
        if not self._owner_actions.resume_next():
            self._perform("pause")

    def _drain_worker(self) -> None:
        """Drain a worker, then undo it, with as many tries as needed."""
        with self._round.installation.create_client() as http:
            listed = http.get("/v1/workers").json()["items"]
            path = f"/v1/workers/{next(worker['id'] for worker in listed if worker['state'] != 'lost')}/drain"
            with contextlib.suppress(httpx2.TransportError):
                http.post(path)
            for _ in range(_MAX_TRIES):
                with contextlib.suppress(httpx2.TransportError):
                    if http.delete(path).status_code in {202, 404}:
                        return
                time.sleep(0.5)

    def _kill_process(self, role: str) -> None:
        if victim := self._choose_victim(role):
            victim.send_signal(signal.SIGKILL)

    def _stop_worker(self) -> None:
        worker = self._choose_victim("worker-cpu")
        if worker and worker not in self._stopping and time.time() - worker.create_time() > _MIN_UPTIME_S:
            self._stopping.add(worker)
            worker.send_signal(signal.SIGTERM)

    def _lose_attempt(self) -> None:
        if victim := self._choose_victim("child"):
            victim.send_signal(signal.SIGSTOP)
            time.sleep(float(QUICK["STACKYARD_LEASE_S"]) * _STOP_LEASES)
            victim.send_signal(signal.SIGCONT)

    def _choose_victim(self, role: str) -> psutil.Process | None:
        """Return a random process of this role; a child must be training."""
        processes = self._round.installation.list_processes(role)
        if role == "child":
            with self._round.installation.sessions.read() as session:
                holders = session.scalars(select(Job.worker).where(Job.state == "running")).all()
            training = {int(holder.rpartition(":")[2]) for holder in holders if holder}
            processes = [child for child in processes if child.pid in training]
        return self._random.choice(processes) if processes else None


def _run_trigger(trigger: Callable[[], object]) -> None:
    """Ignore errors from a server that is being killed: the trigger is pulled again later."""
    with contextlib.suppress(
        httpx2.TransportError, SQLAlchemyError, psutil.Error, LookupError, ValueError, StopIteration
    ):
        trigger()
