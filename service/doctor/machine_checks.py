"""Checks of this machine: versions, cores, memory, GPUs and the data directory."""

import os
import platform
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import psutil

import stackyard
from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.settings import Settings
from stackyard.cores import count_usable_cores

_PACKAGES = ("keras", "jax", "tensorflow", "sqlalchemy", "celery", "fastapi")
_GIB = 2**30
_MIN_MEMORY = 4 * _GIB
_MIN_FREE_BYTES, _MIN_FREE_SHARE = _GIB, 0.1
_GPU_TIMEOUT_S = 20
_OTHERS_ACCESS = 0o077


def check_versions() -> Iterator[Finding]:
    """Check that the packages of the server are installed."""
    found: list[str] = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield report_problem("versions", f"{name} is not installed.", "Run `make install`, or use the image.")
    software = ", ".join([f"stackyard {stackyard.__version__}", f"Python {platform.python_version()}", *found])
    yield report_ok("versions", f"{software}, SQLite {sqlite3.sqlite_version}.")


def check_devices(settings: Settings) -> Iterator[Finding]:
    """Check the cores, the memory and the GPUs."""
    cores, memory = count_usable_cores(), psutil.virtual_memory().total
    message = f"{cores} cores and {memory / _GIB:.1f} GiB of memory."
    if memory < _MIN_MEMORY:
        yield warn("devices", message, "A worker needs about 2 GiB for each job at once. Start fewer workers.")
    else:
        yield report_ok("devices", message)
    gpus = _list_gpus()
    if gpus:
        yield report_ok("devices", f"GPUs: {'; '.join(gpus)}.")
    elif settings.device == "gpu":
        advice = "Check the driver and CUDA_VISIBLE_DEVICES, or set STACKYARD_DEVICE=cpu."
        yield report_problem("devices", "STACKYARD_DEVICE is gpu, but the driver lists no GPU.", advice)
    else:
        yield report_ok("devices", "No NVIDIA GPU.")


def check_data_directory(settings: Settings) -> Iterator[Finding]:
    """Check the disk of the data directory, and who may read it."""
    directory = settings.data_dir
    try:
        usage, mode = shutil.disk_usage(directory), stat.S_IMODE(directory.stat().st_mode)
    except OSError as error:
        advice = "Set STACKYARD_DATA_DIR to a directory on a persistent disk."
        yield report_problem("disk", f"{directory} cannot be read: {error.strerror}.", advice)
        return
    share = usage.free / usage.total
    message = f"{usage.free / _GIB:.1f} GiB free ({share:.0%}) for {directory}."
    advice = "Delete old jobs and datasets, set STACKYARD_RETENTION_DAYS, or use a larger disk."
    if usage.free < _MIN_FREE_BYTES:
        yield report_problem("disk", message, advice)
    elif share < _MIN_FREE_SHARE:
        yield warn("disk", message, advice)
    else:
        yield report_ok("disk", message)
    if not os.access(directory, os.W_OK):
        yield report_problem("disk", f"This user may not write to {directory}.", "Run as the user that owns it.")
    if mode & _OTHERS_ACCESS:
        message = f"Other users of this machine have access to {directory} (mode {mode:o})."
        yield warn("disk", message, f"Run `chmod 700 {directory}`.")


def _list_gpus() -> list[str]:
    """Return the name and the memory of each GPU that the driver lists."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        finished = subprocess.run(  # noqa: S603  # a fixed command
            command, capture_output=True, text=True, check=True, timeout=_GPU_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in finished.stdout.splitlines() if line.strip()]
