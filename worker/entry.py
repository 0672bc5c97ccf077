"""What `celery --app worker.entry:app worker` runs: the parent, which starts children and keeps watch over jobs.

Nothing here, nor in what it imports, may load tensorflow or keras.
"""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false

import os
from typing import Any

import celery.signals

from service import logs
from service.queue import create_celery
from service.settings import Settings
from worker.reconciler import Reconciler

logs.configure()
_settings = Settings()
_reconciler = Reconciler(_settings)

app = create_celery(_settings)
app.conf.imports = ("worker.tasks",)


@celery.signals.worker_init.connect
def _share_cores(sender: Any, **_: object) -> None:
    """Tell the children, which inherit the environment, how many threads each may use."""
    if not _settings.threads:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        os.environ["STACKYARD_THREADS"] = str(max(1, cores // sender.concurrency))


@celery.signals.worker_ready.connect
def _start(**_: object) -> None:
    _reconciler.start()


@celery.signals.worker_shutdown.connect
def _stop(**_: object) -> None:
    _reconciler.stop()
