"""Exported scripts of stock Keras as whole processes: imports, data, training, evaluation, files."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class Ran:
    """What came of a script: wall-clock seconds from its start to its end, its history as CSV, what it printed."""

    seconds: float
    history: str
    printed: str


_THREADS = re.compile(r"^tf\.config\.threading\..*\n", re.MULTILINE)


def on_its_own(script: str) -> str:
    """The script without the line that sets the threads of its job: as stock Keras would run, on all cores."""
    return _THREADS.sub("", script)


def run(script: str, file: Path | None) -> Ran:
    """Run a script in an empty directory, on `file` where it reads one.

    Raises:
        subprocess.CalledProcessError: it failed.

    """
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        path = Path(directory) / "train.py"
        path.write_text(script)
        command = [sys.executable, str(path), *([] if file is None else [str(file.resolve())])]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        start = time.perf_counter()
        done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        return Ran(seconds, (Path(directory) / "history.csv").read_text(), done.stdout)
