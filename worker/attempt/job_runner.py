"""One job, from its claim to its end."""

import os
import socket
import time
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from models import JobState
from service.datasets import catalog
from service.db.database import Sessions
from service.errors import FileGone, LeaseLost, StorageError
from service.jobs import attempts, lifecycle
from service.jobs.attempts import Claim, Conclusion, LetGo
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from worker.attempt.attempt_reporter import Reporter
from worker.attempt.job_training import train
from worker.attempt.stop_reasons import Stop
from worker.engine import Engine
from worker.preparation import PreparationError, Preparer
from worker.runtime.shutdown_signal import Notice
from worker.runtime.threads import Threads

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
    threads: Threads
    worker_id: UUID | None = None
    notice: Notice = field(default_factory=Notice)

    def run_next(self, queue: str) -> None:
        """Claim the best waiting job of a queue, if one waits, and run it to its end or to this process's.

        Where more jobs wait afterwards it wakes the queue again, so that a lost wake-up delays nobody.
        """
        if not self.notice.given and not self._claim_and_run(queue):
            return
        with self.sessions.read() as session:
            more = attempts.waiting(session, queue)
        if more:
            self.wake_ups.send(queue)

    def _claim_and_run(self, queue: str) -> bool:
        since = time.monotonic()
        with self.sessions.begin() as session:
            claim = attempts.claim(
                session,
                queue=queue,
                worker=f"{socket.gethostname()}:{os.getpid()}",
                lease_s=self.settings.lease_s,
                worker_id=self.worker_id,
                options=self.threads.options,
            )
        if claim is None:
            return False
        with structlog.contextvars.bound_contextvars(job=str(claim.job_id), attempt=claim.attempt):
            self._run(claim, since)
        return True

    def _run(self, claim: Claim, since: float) -> None:
        log.info("attempt started", action="attempt_started")
        with Reporter(
            self.sessions, claim, self.settings, since=since, store=self.store, notice=self.notice
        ) as reporter:
            try:
                self._conclude(reporter, self._attempt(claim, reporter))
            except LeaseLost as error:
                log.warning(str(error), action="lease_lost")
            else:
                log.info("attempt ended", action="attempt_ended")

    def _conclude(self, reporter: Reporter, ending: Conclusion | LetGo) -> None:
        """Write down how it ended or, where the database will not have that, that it failed.

        Raises:
            LeaseLost: the attempt is no longer ours.

        """
        try:
            reporter.conclude(ending)
        except LeaseLost:
            raise
        except FileGone as error:
            log.warning(str(error), action="file_gone")
            reporter.conclude(LetGo(lifecycle.reason("file_gone", str(error))))
        except StorageError as error:
            log.warning("file not published", action="storage_failed", error=str(error))
            reporter.conclude(_ended(JobState.FAILED, "storage", str(error)))
        except Exception as error:
            log.exception("ending not written", action="conclude_failed")
            reporter.conclude(_ended(JobState.FAILED, "unexpected", f"{type(error).__name__}: {error}"[:1000]))

    def _attempt(self, claim: Claim, reporter: Reporter) -> Conclusion | LetGo:
        """Train, and turn whatever happens but the loss of the lease into an ending.

        Raises:
            LeaseLost: the attempt is no longer ours.

        """
        try:
            reading = self.preparer.has_no_room_for(claim.spec, catalog.description(claim.dataset))
            with self.threads.of(claim.ran_on, reading=reading):
                return train(claim, reporter, self.store, self.preparer, self.engine)
        except LeaseLost:
            raise
        except Stop as stop:
            return stop.ending
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
