"""Compiled functions whose graphs are prepared in the background.

TensorFlow prepares a graph when it first runs: it optimizes it, creates its kernels and so on, on one core and without
Python's lock. So a function that is needed later is called in a thread with arguments for which it does nothing.
Meanwhile Python builds a network, or another function runs.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

_tf: Any = tf  # which carries no types


class PreparedFunction:
    """A function as a graph, prepared in the background or when it is first called.

    Args:
        function: takes tensors; it is traced once.
        signature: types and shapes of its arguments.
        build_empty_arguments: builds arguments with which the function changes nothing and does as little as possible.
        tracing: returns a context for tracing.

    """

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Sequence[Any],
        build_empty_arguments: Callable[[], Sequence[Any]],
        tracing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._compiled: Any = _tf.function(function, autograph=False, input_signature=signature)
        self._build_empty_arguments = build_empty_arguments
        self._tracing = tracing
        self._graph: Any = None
        self._preparation: Future[Any] | None = None

    def trace(self) -> Any:
        """Trace the function unless it is traced, and return the concrete function."""
        if self._graph is None:
            with self._tracing():
                self._graph = self._compiled.get_concrete_function()
        return self._graph

    def start_preparation(self, thread: Executor) -> None:
        """Start to prepare the function in a thread. A failure is ignored; a later call raises the error itself."""
        self._preparation = thread.submit(lambda: self.trace()(*self._build_empty_arguments()))

    @property
    def is_started(self) -> bool:
        """Whether preparation has started or ended."""
        return self._preparation is not None

    @property
    def is_ready(self) -> bool:
        """Whether no preparation is in progress."""
        return self._preparation is None or self._preparation.done()

    def wait_until_ready(self) -> None:
        """Wait until no preparation is in progress."""
        if self._preparation is not None:
            wait([self._preparation])

    def __call__(self, *arguments: Any) -> Any:
        """Wait for the preparation, then call the function."""
        self.wait_until_ready()
        self.trace()
        return self._compiled(*arguments)


def prepare_functions(functions: Iterable[PreparedFunction], *, trace: bool) -> None:
    """Prepare functions that are not prepared yet, one after another, in a thread that ends with the last of them.

    Args:
        functions: in the order of preparation.
        trace: whether to trace them first in the calling thread. It then continues later, but does not compete with
            another thread for Python's lock.

    """
    unprepared = [call for call in functions if not call.is_started]
    if not unprepared:
        return
    thread = ThreadPoolExecutor(1)
    try:
        for call in unprepared:
            if trace:
                call.trace()
            call.start_preparation(thread)
    finally:
        thread.shutdown(wait=False)
