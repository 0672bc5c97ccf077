"""The threads that a child offers to an attempt: its share of the cores, or all the worker's cores.

Small steps are slower on more threads, and two jobs at once need a share each. A large product is much faster with
every core (docs/design/engine.md).
"""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import replace

from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions

LARGE_STEP_FLOPS = 500_000_000
"""From this many floating-point operations a step, more threads gain more than they cost."""


class ThreadAllocator(ABC):
    """Offers a child's thread counts to a claim, and runs an attempt with the number that its claim chose.

    Args:
        shared: the child's execution environment, with its share of the cores.
        alone: the threads for a large job while its worker has nothing else to do; fewer than shared has no effect.

    """

    def __init__(self, shared: ExecutionEnvironment, alone: int = 0) -> None:
        self._shared = shared
        self._alone = replace(shared, threads=max(alone, shared.threads))

    @property
    def execution_options(self) -> ExecutionOptions:
        """The execution environments from which a claim chooses."""
        return ExecutionOptions(self._shared, self._alone, LARGE_STEP_FLOPS)

    @abstractmethod
    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> AbstractContextManager[None]:
        """Return a context that runs an attempt with the number of threads in an execution environment.

        Args:
            environment: the environment that the claim chose; None is this child's share.
            reads_files: whether another thread reads rows from files throughout the block.

        """
