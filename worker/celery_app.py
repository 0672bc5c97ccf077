"""The Celery application of `celery --app worker.celery_app:app worker`, and the setup of its parent process.

The parent starts the children and supervises their jobs. Neither this module nor anything it imports may load
tensorflow or keras.
"""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import atexit
import os
import socket
from typing import Any

import celery.signals
from celery.worker import state

from service import logs
from service.db.schema_revision import require_matching_schema
from service.queue.wake_ups import create_celery_app
from service.queue.worker_registry import Registration
from service.settings import Settings
from service.storage.private_files import keep_files_private
from stackyard.cores import count_usable_cores
from stackyard.process_privacy import keep_process_private
from worker.runtime.gpus import list_gpus, require_gpus
from worker.runtime.memory_limits import LIMIT_VARIABLE, compute_child_limit
from worker.runtime.thread_counts import compute_thread_counts
from worker.runtime.versions import get_versions
from worker.supervision.child_monitor import ChildMonitor
from worker.supervision.heartbeat import WORKER_ID_VARIABLE, Heartbeat
from worker.supervision.pool import Pool
from worker.supervision.reconciler import Reconciler

logs.configure_logging()
_settings = Settings()
keep_files_private(_settings.data_dir)
_reconciler = Reconciler(_settings)

app = create_celery_app(_settings)
app.conf.imports = ("worker.tasks",)
app.conf.worker_pool = "worker.supervision.pool:Pool"


class _Parent:
    """The objects that live as long as the parent. Children load this module too, and leave them empty."""

    heartbeat: Heartbeat | None = None
    child_monitor: ChildMonitor | None = None
    consumer: Any = None


@celery.signals.worker_init.connect
def _prepare_parent(sender: Any, **_: object) -> None:
    """Check the schema, find the GPUs, share the cores, and pass the shares to the children in their environment."""
    keep_process_private()
    require_matching_schema(_settings.resolved_database_url)
    gpus: tuple[str, ...] = ()
    if _settings.device == "gpu":
        gpus = list_gpus()
        require_gpus(gpus, sender.concurrency)
    threads = compute_thread_counts(_settings, sender.concurrency, count_usable_cores())
    worker = Registration(
        host=socket.gethostname(),
        pid=os.getpid(),
        device=_settings.device,
        queue=_settings.device,
        concurrency=sender.concurrency,
        threads=threads.shared,
        versions=get_versions(),
        cards=gpus,
    )
    os.environ |= {
        "STACKYARD_THREADS": str(threads.shared),
        "STACKYARD_THREADS_ALONE": str(threads.alone),
        LIMIT_VARIABLE: str(compute_child_limit(_settings, sender.concurrency)),
        WORKER_ID_VARIABLE: str(worker.id),
    }
    _Parent.heartbeat = Heartbeat(_settings, worker, _apply_drain)
    _Parent.child_monitor = ChildMonitor(
        _settings, worker.id, list_children=_list_children, list_busy_children=_list_busy_children
    )
    Pool.on_child_exit = _Parent.child_monitor.record_exit
    _Parent.child_monitor.start()
    atexit.register(_Parent.child_monitor.stop)


@celery.signals.worker_ready.connect
def _start_supervision(sender: Any, **_: object) -> None:
    _Parent.consumer = sender
    _reconciler.start()
    if _Parent.heartbeat is not None:
        _Parent.heartbeat.start()
        atexit.register(_Parent.heartbeat.stop)  # also runs on a cold shutdown, for which Celery has no signal


@celery.signals.worker_shutting_down.connect
def _begin_shutdown(how: str, **_: object) -> None:
    if _Parent.heartbeat is not None and _Parent.child_monitor is not None:
        _Parent.heartbeat.drain()
        _Parent.child_monitor.shut_down(is_cold=how == "Cold")


@celery.signals.worker_shutdown.connect
def _stop_reconciler(**_: object) -> None:
    _reconciler.stop()


def _apply_drain(is_draining: bool) -> None:
    """Stop taking wake-ups, or take them again. Runs in the consumer's own thread, which checks once a second."""
    consumer = _Parent.consumer
    if consumer is not None:
        change = consumer.cancel_task_queue if is_draining else consumer.add_task_queue
        consumer.hub.call_soon(change, _settings.device)


def _list_children() -> list[int]:
    return [] if _Parent.consumer is None else _Parent.consumer.pool.list_pids()


def _list_busy_children() -> list[int]:
    active: Any = state.active_requests
    return [request.worker_pid for request in list(active) if request.worker_pid]
