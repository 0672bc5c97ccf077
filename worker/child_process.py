"""Initialize a child: choose its backend and device before keras is imported, then load all that a job needs."""

import gc
import os
import resource
import socket
import tempfile
from typing import TYPE_CHECKING
from uuid import UUID

from service import logs
from service.db.ids import new_id
from service.jobs.queue_order.backend_turns import BackendTurns
from service.queue.child_registry import ChildProcess
from service.queue.wake_ups import WakeUpSender
from service.settings import Settings
from service.storage.artifact_store import INCOMING_DIRECTORY
from service.storage.private_files import keep_files_private
from service.storage.store_factory import open_store
from service.team.usage.policy import open_sessions
from service.tracing import start_tracing
from stackyard.process_privacy import keep_process_private
from stackyard.spec import build_validators
from worker.child_registration import ChildRegistration
from worker.preparation import Preparer
from worker.runtime import devices, memory
from worker.runtime.memory_limits import limit_memory
from worker.runtime.shutdown_signal import ShutdownSignal
from worker.runtime.thread_selection import create_thread_allocator
from worker.supervision.heartbeat import WORKER_ID_VARIABLE
from worker.supervision.pool import request_replacement

if TYPE_CHECKING:
    from worker.attempt.job_runner import JobRunner


def create_job_runner(shutdown_signal: ShutdownSignal) -> "JobRunner":
    """Return a runner on this child's device, which stops when the shutdown signal is set."""
    logs.configure_logging()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump of gigabytes would delay the report of a crash
    memory.reset_peak_memory()  # a private process can no longer open the file that this needs, and it stays open
    keep_process_private()
    settings = Settings()
    keep_files_private(settings.data_dir)
    start_tracing("stackyard-worker")
    store = open_store(settings)
    # A killed child leaves temporary files of libraries there, where the reconciler removes them.
    os.environ["TMPDIR"] = tempfile.tempdir = str(settings.data_dir.resolve() / INCOMING_DIRECTORY)
    sessions, wake_ups = open_sessions(settings), WakeUpSender(settings)
    child = _identify_child()
    registration = ChildRegistration(sessions, child, settings.device)
    backend = registration.choose_backend(settings.default_backend)
    os.environ["KERAS_BACKEND"] = backend.value  # keras reads it when it is imported
    devices.configure_device(settings)
    from worker.attempt.job_runner import JobRunner  # noqa: PLC0415
    from worker.engine import Engine  # noqa: PLC0415  # loads keras, whose backend and device are now configured

    build_validators()
    gc.collect()
    gc.freeze()  # loaded modules stay for good: without this, every later collection would traverse them
    memory_limit = limit_memory(settings.child_memory_limit) if settings.child_memory_limit else None
    runner = JobRunner(
        settings=settings,
        sessions=sessions,
        store=store,
        wake_ups=wake_ups,
        preparer=Preparer(settings),
        engine=Engine(settings.compiled_memory),
        thread_allocator=create_thread_allocator(settings),
        memory_limit=memory_limit,
        worker_id=child.worker_id,
        turns=BackendTurns(child, backend, settings.backend_batch_s),
        request_replacement=request_replacement,
        shutdown_signal=shutdown_signal,
    )
    registration.record_ready(backend, wake_ups)
    return runner


def _identify_child() -> ChildProcess:
    """Return the identity of this process. A process without a worker is the only child of an unknown one."""
    worker_id = os.environ.get(WORKER_ID_VARIABLE)
    process = f"{socket.gethostname()}:{os.getpid()}"
    return ChildProcess(new_id() if worker_id is None else UUID(worker_id), process)
