"""The caller's side: start the inspecting process, wait for it, and believe nothing but its one document."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, Field, TypeAdapter

from service.errors import Invalid
from service.settings import Settings
from service.subprocess.environment import without_secrets
from stackyard.spec import DatasetDescription, Problem

_ROOT = Path(__file__).resolve().parents[3]
_GRACE_S = 5
"""How long after its own alarm the process may take to be gone."""
_ONE_THREAD = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve address space by the gigabyte
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

log = structlog.get_logger()


class _Found(BaseModel):
    description: DatasetDescription


class _Refused(BaseModel):
    refusal: str


_ANSWER: TypeAdapter[_Found | _Refused] = TypeAdapter(Annotated[_Found | _Refused, Field(union_mode="left_to_right")])


def inspect(path: Path, media_type: str, settings: Settings) -> DatasetDescription:
    """Describe a file, in a process with `inspection_memory` bytes and `inspection_timeout_s` seconds.

    Args:
        path: the file, wholly written.
        media_type: one of `service.datasets.dataset_source.UPLOADED`.
        settings: of this installation.

    Raises:
        Invalid: the file is not what `media_type` says, or holds what a training cannot use, or needs more memory
            or time to read than it may have. The message says where: by line and column, or by array.

    """
    seconds = max(1, round(settings.inspection_timeout_s))
    command = [sys.executable, "-m", "service.datasets.inspection", str(path.resolve()), media_type]
    command += ["--memory", str(settings.inspection_memory), "--seconds", str(seconds)]
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and every word of it is ours
            command,
            cwd=_ROOT,
            env=without_secrets() | _ONE_THREAD,
            capture_output=True,
            timeout=seconds + _GRACE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _invalid(_too_slow(seconds)) from None
    if done.returncode == -signal.SIGALRM:
        raise _invalid(_too_slow(seconds))
    if done.returncode != 0:
        errors = done.stderr[-2000:].decode(errors="replace")
        log.warning("inspection failed", action="inspection_failed", status=done.returncode, errors=errors)
        raise _invalid("The file could not be read: the process that read it came to an unexpected end.")
    answer = _ANSWER.validate_json(done.stdout)
    if isinstance(answer, _Refused):
        raise _invalid(answer.refusal)
    return answer.description


def _too_slow(seconds: int) -> str:
    return f"The file could not be read within {seconds} seconds."


def _invalid(message: str) -> Invalid:
    return Invalid((Problem(pointer="", message=message),))
