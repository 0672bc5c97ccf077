"""The caller's side of inspection: start the process, wait for it, and validate its output."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, Field, TypeAdapter

from service.datasets.csv_options import CsvOptions
from service.errors import InvalidInput
from service.settings import Settings
from service.subprocess.environment import build_environment_without_secrets
from stackyard.spec import DatasetDescription, Fault

_ROOT = Path(__file__).resolve().parents[3]
_EXIT_TIMEOUT_S = 5
"""Seconds that the process may take to exit after its own alarm."""
_SINGLE_THREAD_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # other pools reserve gigabytes of address space
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

log = structlog.get_logger()


class _ValidFile(BaseModel):
    description: DatasetDescription


class _InvalidFile(BaseModel):
    refusal: str


_RESULT_ADAPTER: TypeAdapter[_ValidFile | _InvalidFile] = TypeAdapter(
    Annotated[_ValidFile | _InvalidFile, Field(union_mode="left_to_right")]
)


def inspect_file(
    path: Path, media_type: str, settings: Settings, csv_options: CsvOptions | None = None
) -> DatasetDescription:
    """Describe a file, in a process with `inspection_memory` bytes and `inspection_timeout_s` seconds.

    Args:
        path: the complete file.
        media_type: one of `service.datasets.dataset_source.UPLOAD_MEDIA_TYPES`.
        settings: settings of the installation.
        csv_options: what the client says about the format of a CSV file; the rest is detected.

    Raises:
        InvalidInput: the file does not match `media_type`, has values that a training cannot use, or needs more
            memory or time than the limits. The message has the line and column, or the array.

    """
    timeout_s = max(1, round(settings.inspection_timeout_s))
    command = [sys.executable, "-m", "service.datasets.inspection", str(path.resolve()), media_type]
    command += ["--memory", str(settings.inspection_memory), "--seconds", str(timeout_s)]
    command += ["--max-bytes", str(settings.max_dataset_bytes)]
    command += ["--csv", (csv_options or CsvOptions()).model_dump_json(ensure_ascii=True)]
    try:
        process = subprocess.run(  # noqa: S603  # no shell; all arguments are our own
            command,
            cwd=_ROOT,
            env=build_environment_without_secrets() | _SINGLE_THREAD_ENVIRONMENT,
            capture_output=True,
            timeout=timeout_s + _EXIT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _build_timeout_error(timeout_s) from None
    if process.returncode == -signal.SIGALRM:
        raise _build_timeout_error(timeout_s)
    if process.returncode != 0:
        errors = process.stderr[-2000:].decode(errors="replace")
        log.warning("inspection failed", action="inspection_failed", status=process.returncode, errors=errors)
        raise _build_error("The file could not be read: the process that read it ended unexpectedly.")
    result = _RESULT_ADAPTER.validate_json(process.stdout)
    if isinstance(result, _InvalidFile):
        raise _build_error(result.refusal)
    return result.description


def _build_timeout_error(timeout_s: int) -> InvalidInput:
    return _build_error(f"The file could not be read within {timeout_s} seconds.")


def _build_error(message: str) -> InvalidInput:
    return InvalidInput((Fault(pointer="", message=message),))
