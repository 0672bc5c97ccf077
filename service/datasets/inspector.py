"""The caller's side of inspection: start the process, wait for it, and validate its output."""

from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, Field, TypeAdapter

from service.datasets.csv_options import CsvOptions
from service.datasets.dataset_statistics import DatasetStatistics
from service.errors import InvalidInput
from service.settings import Settings
from service.subprocess.confined_module import ModuleFailed, TimeLimitExceeded, run_module
from stackyard.spec import DatasetDescription, Fault

log = structlog.get_logger()


class Inspection(BaseModel):
    """The result of inspecting a file: its description, for checks of specs, and statistics, for people."""

    description: DatasetDescription
    statistics: DatasetStatistics


class _InvalidFile(BaseModel):
    refusal: str


_RESULT_ADAPTER: TypeAdapter[Inspection | _InvalidFile] = TypeAdapter(
    Annotated[Inspection | _InvalidFile, Field(union_mode="left_to_right")]
)


def inspect_file(path: Path, media_type: str, settings: Settings, csv_options: CsvOptions | None = None) -> Inspection:
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
    arguments = [str(path.resolve()), media_type, "--max-bytes", str(settings.max_dataset_bytes)]
    arguments += ["--memory", str(settings.inspection_memory), "--seconds", str(timeout_s)]
    arguments += ["--csv", (csv_options or CsvOptions()).model_dump_json(ensure_ascii=True)]
    try:
        output = run_module("service.datasets.inspection", arguments, timeout_s)
    except TimeLimitExceeded:
        raise _build_error(f"The file could not be read within {timeout_s} seconds.") from None
    except ModuleFailed as failure:
        log.warning("inspection failed", action="inspection_failed", status=failure.exit_status, errors=failure.errors)
        raise _build_error("The file could not be read: the process that read it ended unexpectedly.") from None
    result = _RESULT_ADAPTER.validate_json(output)
    if isinstance(result, _InvalidFile):
        raise _build_error(result.refusal)
    return result


def _build_error(message: str) -> InvalidInput:
    return InvalidInput((Fault(pointer="", message=message),))
