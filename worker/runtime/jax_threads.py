"""Numbers of threads on JAX.

XLA sizes the thread pool of a CPU when its client is created, so each other number of threads needs another client.
All arrays and compiled functions of an attempt belong to the device of one client.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import jax

from service.jobs.execution_environment import ExecutionEnvironment
from worker.runtime import private_names
from worker.runtime.jax_device import POOL_SIZE
from worker.runtime.thread_allocation import ThreadAllocator

_jax: Any = jax  # untyped


class JaxThreads(ThreadAllocator):
    """Runs an attempt on the device whose client has its number of threads; see `ThreadAllocator`."""

    def __init__(self, shared: ExecutionEnvironment, alone: int = 0) -> None:
        super().__init__(shared, alone)
        self._devices: dict[int, Any] = {}
        """The devices of the other clients, by their number of threads."""

    @contextmanager
    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> Generator[None]:
        """Run the block with the number of threads in an execution environment; see `ThreadAllocator`."""
        del reads_files  # the threads sleep while they wait
        threads = (environment or self._shared).threads
        if threads == self._shared.threads:
            yield
            return
        previous = os.environ[POOL_SIZE]
        os.environ[POOL_SIZE] = str(threads)  # XLA also reads it when it compiles
        try:
            with _jax.default_device(self._get_device(threads)):
                yield
        finally:
            os.environ[POOL_SIZE] = previous

    def _get_device(self, threads: int) -> Any:
        if threads not in self._devices:
            self._devices[threads] = private_names.create_cpu_device()
        return self._devices[threads]
