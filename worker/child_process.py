"""The start of a child: its device chosen before tensorflow is imported, then everything that a job needs."""

import gc
import os
import resource
from typing import TYPE_CHECKING
from uuid import UUID

from service import logs
from service.db.database import Sessions
from service.queue.wake_ups import WakeUps
from service.settings import Settings
from service.storage.store_factory import open_store
from worker.preparation import Preparer
from worker.runtime import devices
from worker.runtime.shutdown_signal import Notice
from worker.supervision.heartbeat import WORKER_ID

if TYPE_CHECKING:
    from worker.attempt.job_runner import Runner


def create_runner(notice: Notice) -> "Runner":
    """A runner on this child's device, which hears by `notice` that the child is to end."""
    logs.configure()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is to be seen at once, not after gigabytes were written
    settings = Settings()
    devices.configure(settings)
    from worker.attempt.job_runner import Runner  # noqa: PLC0415
    from worker.engine import Engine  # noqa: PLC0415  # loads tensorflow, for which the device is chosen now
    from worker.runtime.threads import Threads  # noqa: PLC0415

    gc.collect()
    gc.freeze()  # what is loaded stays: every later collection would go through it, for a fifth of a second
    worker_id = os.environ.get(WORKER_ID)
    return Runner(
        settings=settings,
        sessions=Sessions(settings.database),
        store=open_store(settings),
        wake_ups=WakeUps(settings),
        preparer=Preparer(settings),
        engine=Engine(settings.compiled_memory),
        threads=Threads(devices.describe(), settings.threads_alone),
        worker_id=None if worker_id is None else UUID(worker_id),
        notice=notice,
    )
