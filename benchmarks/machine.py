"""What this machine is, and what runs on it."""

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
PACKAGES = ("tensorflow", "keras", "numpy", "sqlalchemy", "fastapi", "pydantic")


def machine() -> dict[str, Any]:
    """The machine and what of its software decides how fast it is; `load` is the last minute's, before measuring."""
    return {
        "cores": count_usable_cores(),
        "processor": _processor(),
        "memory_GiB": round(psutil.virtual_memory().total / GIBIBYTE, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{name: version(name) for name in PACKAGES},
        "load": round(os.getloadavg()[0], 2),
        "commit": _commit(),
    }


def _processor() -> str:
    """The processor's own name, which Linux tells in a file and others through Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


def _commit() -> str | None:
    """The commit that is checked out, with a plus where files differ from it; None outside a checkout."""
    try:
        told = [_git("rev-parse", "--short", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")]
    except (OSError, subprocess.CalledProcessError):
        return None
    return told[0] + ("+" if told[1] else "")


def _git(*arguments: str) -> str:
    command = ["git", *arguments]  # whichever git the path has
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()
