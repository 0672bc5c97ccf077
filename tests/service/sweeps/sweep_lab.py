"""Sweeps whose jobs end by a function of the test instead of a training."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Job, JobState, Sweep, SweepState, Trial, TrialState
from service.db.database import SessionFactory
from service.history.metric_summaries import MetricSummary
from service.jobs import attempts, lifecycle
from service.jobs import controls as job_controls
from service.jobs.attempts import Claim, Conclusion, EpochMetrics, ReleasedAttempt
from service.storage.artifact_store import FileReference
from service.sweeps.life import controls, creation
from service.sweeps.life.advance import Advance, advance_sweep
from stackyard.spec import Limits
from stackyard.sweep import parse_sweep_spec
from tests.factories import iris_spec

LEARNING_RATE = "/training/optimizer/learning_rate"
Curve = Callable[[Job, int], float]
"""The `val_loss` of a job after an epoch, counted from 0."""


def build_sweep(**changes: Any) -> dict[str, Any]:
    """Return a random search for the learning rate of the iris spec; `changes` replace its fields."""
    sweep = {
        "base": iris_spec(),
        "space": {LEARNING_RATE: {"log_uniform": [1e-4, 1e-1]}},
        "search": {"method": "random", "seed": 1},
        "budget": {"trials": 6},
    }
    return {name: value for name, value in (sweep | changes).items() if value is not None}


class SweepLab:
    """A sweep in a database, and the means to end its jobs."""

    def __init__(self, sessions: SessionFactory, **changes: Any) -> None:
        self.sessions = sessions
        spec = parse_sweep_spec(json.dumps(build_sweep(**changes)).encode())
        with sessions.begin() as session:
            self.id: UUID = creation.insert_sweep(session, spec).id
        self.advance()

    @classmethod
    def attach(cls, sessions: SessionFactory, sweep_id: str) -> "SweepLab":
        """Return the means to end the jobs of a sweep that exists."""
        lab = cls.__new__(cls)
        lab.sessions, lab.id = sessions, UUID(sweep_id)
        return lab

    def advance(self) -> Advance:
        with self.sessions.begin() as session:
            advance = advance_sweep(session, self.id, Limits())
        return self.advance() if advance.has_more else advance

    def claim(self) -> Claim | None:
        with self.sessions.begin() as session:
            return attempts.claim_job(session, queue="cpu", worker="here:1", lease_s=60)

    def train(self, claim: Claim, curve: Curve) -> None:
        """Record the epochs of a claimed job up to its end or its `until_epoch`, and end the attempt."""
        with self.sessions.begin() as session:
            job = session.get_one(Job, claim.job_id)
            last = min(job.until_epoch or job.epochs, job.epochs)
            values = [curve(job, epoch) for epoch in range(last)]
            first = claim.checkpoint.epoch if claim.checkpoint else 0
            rows = [EpochMetrics(epoch, [values[epoch]]) for epoch in range(first, last)]
            best = min(values)
            summary = MetricSummary(values[-1], best, values.index(best))
            attempts.record_epochs(session, claim, ["val_loss"], rows, {"val_loss": summary})
            if last < job.epochs:
                self.hold(session, claim, last)
            else:
                attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED))

    def hold(self, session, claim: Claim, epochs: int) -> None:
        file = FileReference(f"{claim.job_id.hex}{epochs:032x}", 1, lambda: True)
        checkpoint = attempts.StoredCheckpoint(file, epochs, 0, float(epochs))
        reason = lifecycle.build_reason(lifecycle.UNTIL_EPOCH, "Reached.")
        attempts.release_attempt(session, claim, ReleasedAttempt(reason, checkpoint))

    def conclude(self, claim: Claim, state: JobState, code: str = "test") -> None:
        with self.sessions.begin() as session:
            attempts.conclude_attempt(
                session, claim, Conclusion(state, lifecycle.build_reason(code, "Ended by a test."))
            )

    def run(self, curve: Curve) -> None:
        """Train jobs one after the other until the sweep has no waiting job, and advance it after each."""
        while claim := self.claim():
            self.train(claim, curve)
            self.advance()

    def run_concurrently(self, curve: Curve, threads: int) -> None:
        """As `run`, by several threads at once, each like a process of its own."""

        def run_until_end() -> None:
            while self.sweep.state is SweepState.RUNNING:
                self.run(curve)

        with ThreadPoolExecutor(threads) as pool:
            for outcome in [pool.submit(run_until_end) for _ in range(threads)]:
                outcome.result()

    def end_cancelled_attempts(self) -> None:
        """Let the workers of jobs that are to be cancelled notice it."""
        for job in self.list_jobs(state=JobState.RUNNING, cancel_requested=True):
            with self.sessions.begin() as session:
                reason = lifecycle.build_reason("released", "Released.")
                lifecycle.release_job(session, session.get_one(Job, job.id), reason)
        self.advance()

    def cancel(self) -> None:
        self._control(controls.cancel_sweep)

    def pause(self) -> None:
        self._control(controls.pause_sweep)

    def resume(self) -> None:
        self._control(controls.resume_sweep)

    def finish(self) -> None:
        self._control(controls.finish_sweep)

    def delete_job(self, job_id: UUID) -> None:
        with self.sessions.begin() as session:
            job_controls.delete_job(session, job_id)
        self.advance()

    def _control(self, control: Callable[[Session, UUID], object]) -> None:
        with self.sessions.begin() as session:
            control(session, self.id)
        self.advance()

    @staticmethod
    def build_base(epochs: int) -> dict[str, Any]:
        return iris_spec(training={"epochs": epochs})

    @property
    def sweep(self) -> Sweep:
        with self.sessions.read() as session:
            return session.get_one(Sweep, self.id)

    @property
    def trials(self) -> list[Trial]:
        with self.sessions.read() as session:
            return list(session.scalars(select(Trial).where(Trial.sweep_id == self.id).order_by(Trial.number)))

    @property
    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.trials]

    def list_jobs(self, **columns: Any) -> list[Job]:
        with self.sessions.read() as session:
            query = select(Job).where(Job.sweep_id == self.id).filter_by(**columns)
            return list(session.scalars(query.order_by(Job.trial_number, Job.repeat)))

    def count_states(self) -> Counter[TrialState]:
        return Counter(self.states)
