"""What a worker child prepares with, and what it keeps of that for the next job."""

from collections.abc import Callable
from contextlib import suppress

from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets.dataset_source import FileSource, Source
from service.errors import StorageError
from service.settings import Settings
from stackyard.spec import DatasetDescription, JobSpec, Task
from worker.preparation.cache_keys import key
from worker.preparation.memory_cache import Cache
from worker.preparation.out_of_core.disk_cache import Shelf, Taken
from worker.preparation.out_of_core.prepare_files import read, write
from worker.preparation.prepare import prepare
from worker.preparation.prepared_data import Prepared
from worker.preparation.size_estimates import sizes


class Preparer:
    """Prepares one job's data after the other, each thing once.

    What takes up more than `Settings.data_memory` is prepared into files, which other workers' jobs find too; the rest
    in memory, where it is kept for this child's next jobs.

    Args:
        settings: for the sizes, and for the directory in which files are kept.

    """

    def __init__(self, settings: Settings) -> None:
        self._share = settings.data_memory
        self._cache = Cache(settings.prepared_memory)
        self._shelf = Shelf(settings.data_dir / "prepared", settings.prepared_disk)
        self._taken: Taken | None = None
        with suppress(StorageError):  # whoever wants to write will hear of it
            self._shelf.sweep()

    def prepare(
        self,
        spec: JobSpec,
        sha256: str,
        description: DatasetDescription,
        source: Source,
        task: Task,
        check: Callable[[], None],
    ) -> Prepared:
        """Make the arrays that a job trains on, or find them made.

        Args:
            spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
            sha256: of the dataset's content.
            description: of the dataset.
            source: where its rows are.
            task: as the check found it.
            check: called between any two steps; what it raises passes through.

        Raises:
            MemoryError: there is no room for one job's rows.
            PreparationError: something that only the rows can show is in the way.
            StorageError: the rows are many, and cannot be written to the disk.

        """
        self.release()
        name = key(
            spec,
            sha256,
            source.media_type if isinstance(source, FileSource) else BUILTIN_MEDIA_TYPE,
            description,
            task,
        )
        if isinstance(source, FileSource) and self.has_no_room_for(spec, description):
            return self._from_files(name, spec, description, source, task, check)
        return self._cache.get(name) or self._in_memory(name, spec, description, source, task, check)

    def has_no_room_for(self, spec: JobSpec, description: DatasetDescription) -> bool:
        """Say whether a job's rows take up more memory than they may, so that it reads them from files, if it can."""
        wanted = sizes(spec, description)
        return wanted.stored + wanted.prepared > self._share

    def release(self) -> None:
        """Let others remove the files of the last job, which is over."""
        if self._taken is not None:
            self._taken.lock.release()
            self._taken = None

    def _in_memory(
        self,
        name: str,
        spec: JobSpec,
        description: DatasetDescription,
        source: Source,
        task: Task,
        check: Callable[[], None],
    ) -> Prepared:
        try:
            prepared = prepare(spec, description, source, task, check)
        except MemoryError:
            self._cache.clear()
            raise
        self._cache.keep(name, prepared)
        return prepared

    def _from_files(
        self,
        name: str,
        spec: JobSpec,
        description: DatasetDescription,
        source: FileSource,
        task: Task,
        check: Callable[[], None],
    ) -> Prepared:
        self._cache.clear()  # a large job has use for the memory, and time to make up for it
        wanted = sizes(spec, description)
        self._taken = self._shelf.take(
            name,
            wanted.prepared + wanted.unpacked,
            lambda directory: write(spec, description, source, task, directory, self._share, check),
            check,
        )
        return read(self._taken.directory)
