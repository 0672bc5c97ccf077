"""Counters of what happens in the installation, summed up from the readings of its rows."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from models import TERMINAL_STATES
from service.metrics.progress import Progress
from service.queue.wake_ups import QueueName

_LOST = "attempt_lost"
_WAIT_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43_200)


class ProgressMetrics:
    """Counters, which start at zero with this process, as Prometheus expects. Expected labels exist from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._submitted = Counter("stackyard_jobs_submitted", "Jobs that were created.", registry=registry)
        self._ended = Counter("stackyard_jobs_ended", "Jobs that ended, by state.", ("state",), registry=registry)
        self._released = Counter(
            "stackyard_attempts_released",
            "Attempts that ended without ending their job, by reason; `attempt_lost` is the loss of a lease.",
            ("reason",),
            registry=registry,
        )
        self._claim_waits = Histogram(
            "stackyard_claim_latency_seconds",
            "Time for which claimed jobs had been waiting in their queue.",
            ("queue",),
            buckets=_WAIT_BUCKETS_S,
            registry=registry,
        )
        self._training_s = Counter(
            "stackyard_training_seconds", "Time for which jobs have been running.", ("queue",), registry=registry
        )
        self._epochs = Counter("stackyard_epochs_trained", "Trained epochs.", ("queue",), registry=registry)
        self._create_expected_labels()

    def add(self, progress: Progress) -> None:
        """Add the events of a reading."""
        self._submitted.inc(progress.submitted)
        for counter, amounts in (
            (self._ended, progress.ended),
            (self._released, progress.released),
            (self._training_s, progress.training_s),
            (self._epochs, progress.epochs),
        ):
            for label, amount in amounts.items():
                counter.labels(label).inc(amount)
        for queue, wait_s in progress.claim_waits:
            self._claim_waits.labels(queue).observe(wait_s)

    def _create_expected_labels(self) -> None:
        """Create series with the value 0: Prometheus sees no increase in a series that begins with 1."""
        for state in TERMINAL_STATES:
            self._ended.labels(state.value)
        self._released.labels(_LOST)
        for metric in (self._claim_waits, self._training_s, self._epochs):
            for queue in QueueName:
                metric.labels(queue.value)
