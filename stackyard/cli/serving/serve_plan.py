"""The plan of a `serve` run: its settings and directories, and the command lines of the API and the workers."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from stackyard.cli.serving.address import Address
from stackyard.cli.serving.child_processes import ChildCommand

_DEFAULT_CANCEL_GRACE_S = 10.0
_DEFAULT_MAX_LOG_BYTES = 20 * 2**20
_ESCALATION_AFTER_GRACE_S = 4.0


@dataclass(frozen=True)
class ServePlan:
    """The processes to run and their directories.

    Args:
        address: the address that the API listens on.
        data_dir: absolute; contains the artifacts, the database, the logs and the broker's socket.
        source_dir: the directory that contains the server's packages.
        workers: how many jobs train at once on CPU cores.
        gpus: how many jobs train at once, each on its own GPU.
        threads: threads for each of those jobs; 0 divides the cores among all.

    """

    address: Address
    data_dir: Path
    source_dir: Path
    workers: int
    gpus: int = 0
    threads: int = 0

    @property
    def log_dir(self) -> Path:
        """The directory of the children's logs."""
        return self.data_dir / "logs"

    @property
    def run_state_path(self) -> Path:
        """The file in which the running server describes itself."""
        return self.data_dir / "serve.json"


def build_server_commands(plan: ServePlan) -> list[ChildCommand]:
    """Build the commands of the API and of a Celery worker for each kind of device that the plan uses."""
    concurrency_by_device = {"cpu": plan.workers, "gpu": plan.gpus}
    total = sum(concurrency_by_device.values())
    return [
        _build_api_command(plan),
        *(
            _build_worker_command(device, concurrency, total - concurrency, plan.threads)
            for device, concurrency in concurrency_by_device.items()
            if concurrency
        ),
    ]


def read_cancel_grace_s() -> float:
    """Return the seconds that a job has to stop, as `service.settings` reads them.

    A value that is not a number counts as the default here; the server's processes refuse it with a message.
    """
    try:
        return float(os.environ.get("STACKYARD_CANCEL_GRACE_S", ""))
    except ValueError:
        return _DEFAULT_CANCEL_GRACE_S


def read_max_log_bytes() -> int:
    """Return the maximum size of a process's logs, as `service.settings` reads it.

    As for the grace period, a value that is not valid counts as the default here.
    """
    try:
        return max(int(os.environ.get("STACKYARD_MAX_LOG_BYTES", "")), 2**16)
    except ValueError:
        return _DEFAULT_MAX_LOG_BYTES


def _build_api_command(plan: ServePlan) -> ChildCommand:
    argv = [sys.executable, "-m", "api", "--host", plan.address.host, "--port", str(plan.address.port)]
    return ChildCommand("api", argv, needs_token=True)


def _build_worker_command(device: str, concurrency: int, neighbours: int, threads: int) -> ChildCommand:
    """Build the command of a Celery worker for a kind of device.

    At SIGTERM its children release the jobs that they train. SIGQUIT ends a worker that does not finish in time, and
    its job is requeued when the lease expires.
    """
    argv = [sys.executable, "-m", "celery", "--app", "worker.celery_app:app", "worker"]
    argv += ["--concurrency", str(concurrency), "--hostname", f"{device}@%h"]
    argv += ["--without-mingle", "--without-gossip", "--loglevel", "INFO"]
    return ChildCommand(
        f"worker-{device}",
        argv,
        environment={
            "STACKYARD_DEVICE": device,
            "STACKYARD_NEIGHBOURS": str(neighbours),
            "STACKYARD_THREADS": str(threads),
        },
        orphan_signal=signal.SIGQUIT,
        escalation_signal=signal.SIGQUIT,
        escalation_delay_s=read_cancel_grace_s() + _ESCALATION_AFTER_GRACE_S,
    )
