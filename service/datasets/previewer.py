"""The caller's side of previews: admit requests, start the process, and keep the results."""

import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from models import Dataset
from service.datasets import catalog
from service.datasets.dataset_source import BuiltinSource, DatasetSource
from service.datasets.preview.documents import (
    MAX_COLUMNS,
    ArraysPreview,
    DatasetPreview,
    PreviewRequest,
    TablePreview,
)
from service.errors import Conflict, Unavailable
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from service.subprocess.admission import BoundedLock
from service.subprocess.confined_module import ModuleFailed, TimeLimitExceeded, run_module
from stackyard.spec import TableDescription

_MAX_WAITING = 8
"""Maximum number of waiting requests; each occupies a thread of the API."""
_TIMEOUT_S = 30
_MAX_CACHED = 32
"""Number of datasets whose previews are kept. Each takes up to a megabyte as JSON."""
_RESULT_ADAPTER: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_PREVIEW_ADAPTER: TypeAdapter[DatasetPreview] = TypeAdapter(DatasetPreview)

log = structlog.get_logger()


class Previewer:
    """Reads the first rows of one dataset at a time, and keeps those of the last datasets; it is thread-safe.

    A version of a dataset never changes, so that its preview stays valid.
    """

    def __init__(self, settings: Settings) -> None:
        self._memory = settings.inspection_memory
        self._lock = BoundedLock(
            max_waiting=_MAX_WAITING,
            timeout_s=_TIMEOUT_S,
            code="previews_busy",
            message="Too many previews are waiting; repeat the request later.",
        )
        self._cache: OrderedDict[UUID, DatasetPreview] = OrderedDict()
        self._cache_lock = threading.Lock()

    def preview(self, dataset: Dataset, store: ArtifactStore, rows: int) -> DatasetPreview:
        """Return the first rows of a dataset, or the first items of its arrays.

        Args:
            dataset: the dataset, with its description.
            store: the store of its file.
            rows: maximum number of rows or items, at most `MAX_ROWS`.

        Raises:
            StorageError: the file is corrupt, missing or cannot be read.
            Conflict: the file can no longer be read as its description says.
            Unavailable: too many requests wait, or the rows need more time or memory than the limits.

        """
        preview = self._find_cached(dataset.id)
        if preview is None:
            with self._lock.acquire():
                preview = self._find_cached(dataset.id) or self._read_preview(dataset, store)
        return _limit_rows(preview, rows)

    def _find_cached(self, dataset_id: UUID) -> DatasetPreview | None:
        with self._cache_lock:
            if dataset_id in self._cache:
                self._cache.move_to_end(dataset_id)
            return self._cache.get(dataset_id)

    def _read_preview(self, dataset: Dataset, store: ArtifactStore) -> DatasetPreview:
        with catalog.open_dataset_source(dataset, store) as source:
            result = self._run_process(_build_request(dataset, source))
        preview = _build_preview(dataset, result)
        with self._cache_lock:
            self._cache[dataset.id] = preview
            if len(self._cache) > _MAX_CACHED:
                self._cache.popitem(last=False)
        return preview

    def _run_process(self, request: PreviewRequest) -> dict[str, Any]:
        arguments = ["--memory", str(self._memory), "--seconds", str(_TIMEOUT_S)]
        try:
            output = run_module("service.datasets.preview", arguments, _TIMEOUT_S, request.model_dump_json().encode())
        except TimeLimitExceeded:
            raise Unavailable("preview_failed", f"The rows could not be read within {_TIMEOUT_S} seconds.") from None
        except ModuleFailed as failure:
            log.warning("preview failed", action="preview_failed", status=failure.exit_status, errors=failure.errors)
            message = "The rows could not be read: the process that read them ended unexpectedly."
            raise Unavailable("preview_failed", message) from None
        return _RESULT_ADAPTER.validate_json(output)


def _build_request(dataset: Dataset, source: DatasetSource) -> PreviewRequest:
    description = catalog.parse_description(dataset)
    if isinstance(source, BuiltinSource):
        request = PreviewRequest(builtin=source.name)
    else:
        request = PreviewRequest(path=str(source.path.resolve()), media_type=source.media_type)
    if not isinstance(description, TableDescription):
        return request
    columns = description.columns[:MAX_COLUMNS]
    text_columns = [column.name for column in description.columns if column.type == "text" or column.stored_as]
    update = {
        "csv": description.csv,
        "columns": [column.name for column in columns],
        "text_columns": text_columns,
    }
    return request.model_copy(update=update)


def _build_preview(dataset: Dataset, result: dict[str, Any]) -> DatasetPreview:
    """Return the preview for the result of the process.

    Raises:
        Conflict: the process refused the file.

    """
    if "refusal" in result:
        raise Conflict("not_previewable", str(result["refusal"]))
    description = catalog.parse_description(dataset)
    if isinstance(description, TableDescription):
        names = [column.name for column in description.columns]
        left_out = max(0, len(names) - MAX_COLUMNS)
        table = {"kind": "table", "columns": names[:MAX_COLUMNS], "columns_left_out": left_out}
        return _PREVIEW_ADAPTER.validate_python(table | {"rows": result["rows"], "total_rows": description.rows})
    left_out = max(0, len(description.arrays) - MAX_COLUMNS)
    return _PREVIEW_ADAPTER.validate_python(
        {"kind": "arrays", "arrays": result["arrays"], "arrays_left_out": left_out}
    )


def _limit_rows(preview: DatasetPreview, rows: int) -> DatasetPreview:
    if isinstance(preview, TablePreview):
        return preview.model_copy(update={"rows": preview.rows[:rows]})
    arrays = [
        array.model_copy(update={"items": None if array.items is None else array.items[:rows]})
        for array in preview.arrays
    ]
    return ArraysPreview(arrays=arrays, arrays_left_out=preview.arrays_left_out)
