"""The threads that a child offers to an attempt."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions

LARGE_STEP_FLOPS = 500_000_000
"""From this many floating-point operations a step, more threads gain more than they cost."""


class ThreadAllocation(Protocol):
    """Offers a child's thread counts to a claim, and runs an attempt with the number that its claim chose."""

    @property
    def execution_options(self) -> ExecutionOptions:
        """The execution environments from which a claim chooses."""
        ...

    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> AbstractContextManager[None]:
        """Return a context that runs an attempt with the number of threads in an execution environment.

        Args:
            environment: the environment that the claim chose; None is this child's share.
            reads_files: whether another thread reads rows from files throughout the block.

        """
        ...


class FixedThreads:
    """The threads of a child on JAX, whose pool has one size from its start to its end.

    Args:
        environment: the child's execution environment, with its share of the cores.

    """

    def __init__(self, environment: ExecutionEnvironment) -> None:
        self._environment = environment

    @property
    def execution_options(self) -> ExecutionOptions:
        """The only execution environment there is."""
        return ExecutionOptions(self._environment, self._environment, LARGE_STEP_FLOPS)

    @contextmanager
    def allocate_threads(
        self, environment: ExecutionEnvironment | None, *, reads_files: bool = False
    ) -> Generator[None]:
        """Run the block, since there is nothing to choose."""
        del environment, reads_files
        yield
