"""What `celery --app worker.celery_app:app worker` runs: the parent, which starts children and keeps watch over jobs.

Nothing here, nor in what it imports, may load tensorflow or keras.
"""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import atexit
import os
import socket
from typing import Any

import celery.signals
import structlog
from celery.worker import state

from service import logs
from service.queue.wake_ups import create_celery
from service.queue.worker_registry import Registration
from service.settings import Settings
from stackyard.cores import count_usable_cores
from worker.runtime import gpus
from worker.runtime.versions import versions
from worker.supervision.child_monitor import Children
from worker.supervision.heartbeat import WORKER_ID, Heartbeat
from worker.supervision.pool import Pool
from worker.supervision.reconciler import Reconciler

logs.configure()
log = structlog.get_logger()
_settings = Settings()
_reconciler = Reconciler(_settings)

app = create_celery(_settings)
app.conf.imports = ("worker.tasks",)
app.conf.worker_pool = "worker.supervision.pool:Pool"


class _Parent:
    """What the parent holds from its start to its end; children load this module, too, and leave it empty."""

    heartbeat: Heartbeat | None = None
    children: Children | None = None
    consumer: Any = None


@celery.signals.worker_init.connect
def _prepare(sender: Any, **_: object) -> None:
    """Find the cards, share out the cores, and tell the children, which inherit the environment."""
    found: tuple[str, ...] = ()
    if _settings.device == "gpu":
        found = gpus.find()
        gpus.enough(found, sender.concurrency)
    threads, alone = _threads(sender.concurrency)
    worker = Registration(
        host=socket.gethostname(),
        pid=os.getpid(),
        device=_settings.device,
        queue=_settings.device,
        concurrency=sender.concurrency,
        threads=threads,
        versions=versions(),
        cards=found,
    )
    shares = {"STACKYARD_THREADS": str(threads), "STACKYARD_THREADS_ALONE": str(alone)}
    os.environ |= shares | {WORKER_ID: str(worker.id)}
    _Parent.heartbeat = Heartbeat(_settings, worker, _drain)
    _Parent.children = Children(_settings, worker.id, pids=_pids, busy=_busy)
    Pool.on_end = _Parent.children.ended
    _Parent.children.start()
    atexit.register(_Parent.children.stop)


@celery.signals.worker_ready.connect
def _start(sender: Any, **_: object) -> None:
    _Parent.consumer = sender
    _reconciler.start()
    if _Parent.heartbeat is not None:
        _Parent.heartbeat.start()
        atexit.register(_Parent.heartbeat.stop)  # also at the quick end, of which Celery has no signal


@celery.signals.worker_shutting_down.connect
def _end(how: str, **_: object) -> None:
    if _Parent.heartbeat is not None and _Parent.children is not None:
        _Parent.heartbeat.drain()
        _Parent.children.end(hard=how == "Cold")


@celery.signals.worker_shutdown.connect
def _stop(**_: object) -> None:
    _reconciler.stop()


def _drain(wanted: bool) -> None:
    """Take no more wake-ups, or take them again. In the consumer's own thread, which looks once a second."""
    consumer = _Parent.consumer
    if consumer is not None:
        change = consumer.cancel_task_queue if wanted else consumer.add_task_queue
        consumer.hub.call_soon(change, _settings.device)


def _pids() -> list[int]:
    return [] if _Parent.consumer is None else _Parent.consumer.pool.pids()


def _busy() -> list[int]:
    active: Any = state.active_requests
    return [request.worker_pid for request in list(active) if request.worker_pid]


def _threads(children: int) -> tuple[int, int]:
    """TensorFlow's intra-op threads: a child's, so that those of all fit the cores, and those of a large job alone.

    The cores are those that this process may use: by its affinity, and by the quotas of its control groups. A job on
    a GPU has its child's in any case: the work is the card's, whose settings are those of the child's one context.
    """
    cores = count_usable_cores()
    sharing = children + _settings.neighbours
    threads = _settings.threads or max(1, cores // sharing)
    if threads * sharing > cores:
        log.warning(
            "more threads than cores", action="cores_overcommitted", cores=cores, children=sharing, threads=threads
        )
    if _settings.device == "gpu":
        return threads, threads
    alone = _settings.threads_alone or (0 if _settings.threads else cores * children // sharing)
    return threads, max(threads, alone)
