"""Run an attempt on its number of threads: its child's share of the cores, or all the worker's cores.

Small steps are slower on more threads, and two jobs at once need a share each. A large product is much faster with
every core (docs/design/engine.md). TensorFlow sizes its thread pool when an eager context starts, so each other number
of threads needs another context. Variables and graphs belong to the context in which they were made.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import tensorflow as tf

from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions
from worker.runtime import private_names
from worker.runtime.thread_allocation import LARGE_STEP_FLOPS

_Config: Any = cast("Any", tf).compat.v1.ConfigProto  # tensorflow carries no types

_NO_SPINNING: Any = _Config(experimental=_Config.Experimental(disable_thread_spinning=True))
"""Threads that wait for work sleep. By default they spin for a while. If there are as many threads as cores, spinning
threads take cores from busy ones, such as a thread that reads rows from files."""


class ThreadAllocator:
    """Offers a child's thread counts to a claim, and runs an attempt with the number that its claim chose.

    Args:
        shared: the child's execution environment, with its share of the cores.
        alone: the threads for a large job while its worker has nothing else to do; fewer than shared has no effect.

    """

    def __init__(self, shared: ExecutionEnvironment, alone: int = 0) -> None:
        self._shared = shared
        self._alone = replace(shared, threads=max(alone, shared.threads))
        self._default_context = private_names.get_context()
        self._contexts: dict[int, Any] = {}
        """The contexts whose threads do not spin, by their number of threads."""

    @property
    def execution_options(self) -> ExecutionOptions:
        """The execution environments from which a claim chooses."""
        return ExecutionOptions(self._shared, self._alone, LARGE_STEP_FLOPS)

    @contextmanager
    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> Generator[None]:
        """Run the block with the number of threads in an execution environment.

        Args:
            environment: the environment that the claim chose; None is this child's share.
            reads_files: whether another thread reads rows from files throughout the block.

        """
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
