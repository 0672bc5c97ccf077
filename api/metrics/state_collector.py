"""Gauges of the state of the installation. Each scrape reads them anew, so no label keeps an old value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.metrics.snapshot import Snapshot


@dataclass(frozen=True)
class Health:
    """The health of what this process needs.

    The latencies in seconds are None if the database or the broker does not answer; `disk_free` and `disk_size` in
    bytes are None if the disk of the data directory cannot be read. `version` is that of Stackyard.
    """

    version: str
    database_s: float | None
    broker_s: float | None
    disk_free: int | None
    disk_size: int | None


class StateCollector(Collector):
    """Turns the last reading into metrics. Without a database, only its health is known."""

    def __init__(self) -> None:
        self.health: Health | None = None
        self.snapshot: Snapshot | None = None

    def describe(self) -> Iterator[Metric]:
        """Return nothing: the metrics are known only after a reading."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of the last reading."""
        if self.health is not None:
            yield from _collect_health(self.health)
        if self.snapshot is not None:
            yield from _collect_counts(self.snapshot)
            yield from _collect_queues(self.snapshot)


def _collect_health(health: Health) -> Iterator[Metric]:
    yield _build_gauge("stackyard_info", "The version of the server; always 1.", ("version",), {(health.version,): 1})
    for name, seconds in (("database", health.database_s), ("broker", health.broker_s)):
        yield _build_gauge(f"stackyard_{name}_up", f"Whether the {name} answers.", (), {(): seconds is not None})
        if seconds is not None:
            text = f"Time in which the {name} answered."
            yield _build_gauge(f"stackyard_{name}_latency_seconds", text, (), {(): seconds})
    for name, size in (("free", health.disk_free), ("size", health.disk_size)):
        if size is not None:
            text = f"Disk of the data directory: {name} bytes."
            yield _build_gauge(f"stackyard_disk_{name}_bytes", text, (), {(): size})


def _collect_counts(snapshot: Snapshot) -> Iterator[Metric]:
    jobs = {(state.value,): count for state, count in snapshot.jobs.items()}
    sweeps = {(state.value,): count for state, count in snapshot.sweeps.items()}
    workers = {(queue.value, state.value): count for (queue, state), count in snapshot.workers.items()}
    yield _build_gauge("stackyard_jobs", "Jobs by state.", ("state",), jobs)
    yield _build_gauge("stackyard_sweeps", "Sweeps by state.", ("state",), sweeps)
    yield _build_gauge("stackyard_workers", "Workers by queue and state.", ("queue", "state"), workers)


def _collect_queues(snapshot: Snapshot) -> Iterator[Metric]:
    queues = snapshot.queues.items()
    waiting = {
        (queue.value, code.value): count for queue, content in queues for code, count in content.waiting.items()
    }
    yield _build_gauge(
        "stackyard_queue_jobs", "Waiting jobs by queue and reason to wait.", ("queue", "reason"), waiting
    )
    for name, text, values in (
        ("stackyard_slots", "Jobs that can run at once.", {(queue.value,): item.slots for queue, item in queues}),
        ("stackyard_slots_busy", "Jobs that run now.", {(queue.value,): item.running for queue, item in queues}),
        (
            "stackyard_queue_oldest_wait_seconds",
            "Age of the oldest waiting job; 0 if none waits.",
            {(queue.value,): item.oldest_wait_s for queue, item in queues},
        ),
    ):
        yield _build_gauge(name, text, ("queue",), values)


def _build_gauge(
    name: str, text: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for label_values, value in values.items():
        family.add_metric(label_values, float(value))
    return family
