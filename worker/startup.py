"""The start of a child: its device chosen before tensorflow is imported, then everything that a job needs."""

import gc
import os
import resource
from typing import TYPE_CHECKING
from uuid import UUID

from service import logs
from service.database import Sessions
from service.queue import WakeUps
from service.settings import Settings
from service.stores import open_store
from worker import devices
from worker.heartbeat import WORKER_ID
from worker.notice import Notice
from worker.preparation import Preparer

if TYPE_CHECKING:
    from worker.runner import Runner


def create_runner(notice: Notice) -> "Runner":
    """A runner on this child's device, which hears by `notice` that the child is to end."""
    logs.configure()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is to be seen at once, not after gigabytes were written
    settings = Settings()
    devices.configure(settings)
    from worker.engine import Engine  # noqa: PLC0415  # loads tensorflow, for which the device is chosen now
    from worker.runner import Runner  # noqa: PLC0415
    from worker.threads import Threads  # noqa: PLC0415

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
