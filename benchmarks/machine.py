"""A description of this machine and its software."""

import os
import platform
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from stackyard.cores import count_usable_cores

GIBIBYTE = 2**30
PACKAGES = ("tensorflow", "jax", "keras", "numpy", "sqlalchemy", "fastapi", "pydantic")


def describe_machine() -> dict[str, Any]:
    """Return the properties that decide the speed; `load` is the average of the last minute before the measurement."""
    return {
        "cores": count_usable_cores(),
        "processor": _read_processor_name(),
        "memory_GiB": round(psutil.virtual_memory().total / GIBIBYTE, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in PACKAGES},
        "load": round(os.getloadavg()[0], 2),
        "commit": _read_commit(),
    }


def _read_processor_name() -> str:
    """Return the processor's name, from /proc/cpuinfo on Linux and from Python elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _read_commit() -> str | None:
    """Return the checked-out commit, with a plus if files differ from it; None outside a checkout."""
    try:
        commit, changes = [
            _run_git("rev-parse", "--short", "HEAD"),
            _run_git("status", "--porcelain", "--untracked-files=no"),
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changes else "")


def _run_git(*arguments: str) -> str:
    command = ["git", *arguments]  # the git on the path
    process = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return process.stdout.strip()
