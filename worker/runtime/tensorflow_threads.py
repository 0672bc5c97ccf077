"""Numbers of threads on TensorFlow.

TensorFlow sizes its thread pool when an eager context starts, so each other number of threads needs another context.
Variables and graphs belong to the context in which they were made.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import tensorflow as tf

from service.jobs.execution_environment import ExecutionEnvironment
from worker.runtime import private_names
from worker.runtime.thread_allocation import ThreadAllocator

_Config: Any = cast("Any", tf).compat.v1.ConfigProto  # tensorflow carries no types

_NO_SPINNING: Any = _Config(experimental=_Config.Experimental(disable_thread_spinning=True))
"""Threads that wait for work sleep. By default they spin for a while. If there are as many threads as cores, spinning
threads take cores from busy ones, such as a thread that reads rows from files."""


class TensorFlowThreads(ThreadAllocator):
    """Runs an attempt in the eager context of its number of threads; see `ThreadAllocator`."""

    def __init__(self, shared: ExecutionEnvironment, alone: int = 0) -> None:
        super().__init__(shared, alone)
        self._default_context = private_names.get_context()
        self._contexts: dict[int, Any] = {}
        """The contexts whose threads do not spin, by their number of threads."""

    @contextmanager
    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> Generator[None]:
        """Run the block with the number of threads in an execution environment; see `ThreadAllocator`."""
        threads = (environment or self._shared).threads
        # On a GPU a second context would need the GPU's memory for itself.
        needs_sleeping_threads = reads_files and self._shared.device == "cpu"
        if threads == self._shared.threads and not needs_sleeping_threads:
            yield
            return
        private_names.set_context(self._get_sleeping_context(threads))
        try:
            yield
        finally:
            private_names.set_context(self._default_context)

    def _get_sleeping_context(self, threads: int) -> Any:
        if threads not in self._contexts:
            self._contexts[threads] = private_names.create_context(
                _NO_SPINNING, threads, self._default_context.inter_op_parallelism_threads
            )
        return self._contexts[threads]
