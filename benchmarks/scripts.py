"""Exported scripts of stock Keras as whole processes, from the imports to the written files."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass(frozen=True)
class ScriptResult:
    """The wall-clock seconds of a script, its history as CSV, and its output."""

    seconds: float
    history: str
    output: str


_THREADS_LINE = re.compile(r"^(tf\.config\.threading\.|os\.environ\[\"NPROC\"\]).*\n", re.MULTILINE)


def remove_thread_setting(script: str) -> str:
    """Remove the line that sets the job's number of threads, so that stock Keras uses all cores."""
    return _THREADS_LINE.sub("", script)


def use_tensorflow(script: str) -> str:
    """Return the script with Keras's default backend, with which users write theirs."""
    return script.replace('os.environ["KERAS_BACKEND"] = "jax"', 'os.environ["KERAS_BACKEND"] = "tensorflow"')


def run_script(script: str, file: Path | None) -> ScriptResult:
    """Run a script in an empty directory, with the data `file` if it reads one.

    Raises:
        subprocess.CalledProcessError: the script failed.

    """
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        path = Path(directory) / "train.py"
        path.write_text(script)
        command = [sys.executable, str(path), *([] if file is None else [str(file.resolve())])]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        start = time.perf_counter()
        process = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
        return ScriptResult(seconds, (Path(directory) / "history.csv").read_text(), process.stdout)
