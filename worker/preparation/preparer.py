"""Prepare jobs' data in a worker child, and cache it for later jobs."""

from collections.abc import Callable
from contextlib import suppress

from service.datasets.dataset_source import DatasetSource, FileSource
from service.errors import StorageError
from service.settings import Settings
from stackyard.spec import DatasetDescription, JobSpec, Task
from worker.preparation.cache_keys import build_cache_key
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.memory_cache import MemoryCache
from worker.preparation.out_of_core.disk_cache import CacheEntry, DiskCache
from worker.preparation.out_of_core.prepare_files import read_prepared_files, write_prepared_files
from worker.preparation.prepare import prepare_data
from worker.preparation.prepared_data import PreparedData
from worker.preparation.size_estimates import estimate_sizes


class Preparer:
    """Prepares the data of one job after another, and reuses earlier results.

    Data larger than `Settings.data_memory` is prepared in files, which jobs of other workers find too. Smaller data
    is prepared in memory and cached for the next jobs of this child.

    Args:
        settings: sizes of the caches, and the data directory.

    """

    def __init__(self, settings: Settings) -> None:
        self._max_memory = settings.data_memory
        self._memory_cache = MemoryCache[str, PreparedData](settings.prepared_memory, lambda prepared: prepared.nbytes)
        self._disk_cache = DiskCache(settings.data_dir / "prepared", settings.prepared_disk)
        self._entry: CacheEntry | None = None
        with suppress(StorageError):  # the next write raises it again
            self._disk_cache.remove_leftovers()

    def prepare(
        self,
        spec: JobSpec,
        sha256: str,
        description: DatasetDescription,
        source: DatasetSource,
        task: Task,
        check: Callable[[], None],
        test_dataset: DatasetRows | None = None,
    ) -> PreparedData:
        """Build the arrays that a job trains on, or return them from a cache.

        Args:
            spec: of the job, valid by `stackyard.spec.check` and with its seed filled in.
            sha256: of the dataset's content.
            description: of the dataset.
            source: where the rows are.
            task: as returned by the check.
            check: called between steps; exceptions that it raises are passed on.
            test_dataset: the rows of the spec's `test_dataset`; None without one.

        Raises:
            MemoryError: there is not enough memory for the rows.
            PreparationError: the rows do not permit what the spec asks for.
            StorageError: the rows are too large for memory and cannot be written to the disk.

        """
        self.release_files()
        cache_key = build_cache_key(spec, DatasetRows(sha256, description, source), task, test_dataset)
        has_files = isinstance(source, FileSource) and (
            test_dataset is None or isinstance(test_dataset.source, FileSource)
        )
        test_description = None if test_dataset is None else test_dataset.description
        if has_files and isinstance(source, FileSource) and self.exceeds_memory(spec, description, test_description):
            return self._prepare_in_files(cache_key, spec, description, source, task, check, test_dataset)
        cached = self._memory_cache.get(cache_key)
        return cached or self._prepare_in_memory(cache_key, spec, description, source, task, check, test_dataset)

    def exceeds_memory(
        self, spec: JobSpec, description: DatasetDescription, test_description: DatasetDescription | None = None
    ) -> bool:
        """Return whether a job's rows exceed `Settings.data_memory`, so that rows of a file are prepared in files."""
        return _estimate_rows(spec, description, test_description) > self._max_memory

    def estimate_memory(
        self, spec: JobSpec, description: DatasetDescription, test_description: DatasetDescription | None = None
    ) -> int:
        """Return the largest size in bytes that a job's rows take in memory."""
        return min(_estimate_rows(spec, description, test_description), self._max_memory)

    def release_files(self) -> None:
        """Release the files of the last job, which has ended, so that any worker may remove them."""
        if self._entry is not None:
            self._entry.lock.release()
            self._entry = None

    def clear_cache(self) -> None:
        """Remove all prepared rows from the memory of this process."""
        self._memory_cache.clear()

    def _prepare_in_memory(
        self,
        cache_key: str,
        spec: JobSpec,
        description: DatasetDescription,
        source: DatasetSource,
        task: Task,
        check: Callable[[], None],
        test_dataset: DatasetRows | None,
    ) -> PreparedData:
        try:
            prepared = prepare_data(spec, description, source, task, check, test_dataset)
        except MemoryError:
            self._memory_cache.clear()
            raise
        self._memory_cache.put(cache_key, prepared)
        return prepared

    def _prepare_in_files(
        self,
        cache_key: str,
        spec: JobSpec,
        description: DatasetDescription,
        source: FileSource,
        task: Task,
        check: Callable[[], None],
        test_dataset: DatasetRows | None,
    ) -> PreparedData:
        self._memory_cache.clear()  # a large job needs the memory, and takes long compared with preparing anew
        estimate = estimate_sizes(spec, description, None if test_dataset is None else test_dataset.description)
        self._entry = self._disk_cache.acquire(
            cache_key,
            estimate.prepared_bytes + estimate.spooled_bytes,
            lambda directory: write_prepared_files(
                spec, description, source, task, directory, self._max_memory, check, test_dataset
            ),
            check,
        )
        return read_prepared_files(self._entry.directory)


def _estimate_rows(spec: JobSpec, description: DatasetDescription, test_description: DatasetDescription | None) -> int:
    """Return the size in bytes of a job's rows, both as they are read and as they are prepared."""
    estimate = estimate_sizes(spec, description, test_description)
    return estimate.raw_bytes + estimate.prepared_bytes
