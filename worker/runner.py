"""One job, from its claim to its end."""

import os
import socket
import time
from dataclasses import dataclass
from uuid import UUID

import structlog

from models import JobState
from service import attempts, lifecycle
from service.artifacts import ArtifactStore
from service.attempts import Claim, Conclusion, RanOn
from service.database import Sessions
from service.errors import FileGone, LeaseLost, StorageError
from service.queue import WakeUps
from service.settings import Settings
from worker.engine import Engine
from worker.preparation import PreparationError, Preparer
from worker.reporter import Cancelled, Reporter
from worker.training import train

log = structlog.get_logger()


@dataclass(frozen=True)
class Runner:
    """What a worker child needs to run jobs, one after another; `worker_id` is its parent's on the list of workers."""

    settings: Settings
    sessions: Sessions
    store: ArtifactStore
    wake_ups: WakeUps
    preparer: Preparer
    engine: Engine
    ran_on: RanOn
    worker_id: UUID | None = None

    def run_next(self, queue: str) -> None:
        """Claim the best waiting job of a queue, if one waits, and run it to its end.

        Where more jobs wait afterwards it wakes the queue again, so that a lost wake-up delays nobody.
        """
        since = time.monotonic()
        with self.sessions.begin() as session:
            claim = attempts.claim(
                session,
                queue=queue,
                worker=f"{socket.gethostname()}:{os.getpid()}",
                lease_s=self.settings.lease_s,
                worker_id=self.worker_id,
                ran_on=self.ran_on,
            )
        if claim is None:
            return
        with structlog.contextvars.bound_contextvars(job=str(claim.job_id), attempt=claim.attempt):
            self._run(claim, since)
        with self.sessions.read() as session:
            more = attempts.waiting(session, queue)
        if more:
            self.wake_ups.send(queue)

    def _run(self, claim: Claim, since: float) -> None:
        log.info("attempt started", action="attempt_started")
        with Reporter(self.sessions, claim, self.settings, since=since) as reporter:
            try:
                reporter.conclude(self._attempt(claim, reporter))
            except LeaseLost as error:
                log.warning(str(error), action="lease_lost")
            except FileGone as error:  # the next attempt, after the lease, stores it again
                log.warning(str(error), action="file_gone")
            else:
                log.info("attempt ended", action="attempt_ended")

    def _attempt(self, claim: Claim, reporter: Reporter) -> Conclusion:
        """Train, and turn whatever happens but the loss of the lease into a conclusion.

        Raises:
            LeaseLost: the attempt is no longer ours.

        """
        try:
            return train(claim, reporter, self.store, self.preparer, self.engine)
        except LeaseLost:
            raise
        except Cancelled:
            return _ended(JobState.CANCELLED, "cancelled", "Cancelled while it ran.")
        except PreparationError as error:
            return _ended(JobState.FAILED, "data", str(error))
        except (StorageError, OSError) as error:
            log.warning("file not stored or read", action="storage_failed", exc_info=error)
            return _ended(JobState.FAILED, "storage", _storage(error))
        except MemoryError:
            return _ended(JobState.FAILED, "out_of_memory", "The job needed more memory than the worker has.")
        except Exception as error:
            log.exception("attempt failed", action="attempt_failed")
            return _ended(JobState.FAILED, "unexpected", f"{type(error).__name__}: {error}"[:1000])
        finally:
            self.preparer.release()


def _storage(error: StorageError | OSError) -> str:
    if isinstance(error, StorageError):
        return str(error)
    return f"A file could not be written or read: {error.strerror or error}."[:1000]


def _ended(state: JobState, code: str, message: str) -> Conclusion:
    return Conclusion(state, lifecycle.reason(code, message))
