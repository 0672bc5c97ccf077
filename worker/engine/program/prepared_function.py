"""Compiled calls whose graphs are prepared beside Python.

TensorFlow prepares a graph when it first runs: it optimises it, makes its kernels, and so on, on one core and without
Python's lock. That takes 60 ms for a small network's test, and 400 for iris's training. So before a call is
needed it is made once with nothing to do, in a thread of its own, while Python builds a network or another call is at
work.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

_tf: Any = tf  # which carries no types


class Call:
    """A function as a graph, prepared before it is needed or when it is first called.

    Args:
        function: of tensors; it is traced once.
        signature: its arguments.
        nothing: makes arguments with which it changes nothing, and does as little as it can.
        tracing: a context to trace it in.

    """

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Sequence[Any],
        nothing: Callable[[], Sequence[Any]],
        tracing: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._compiled: Any = _tf.function(function, autograph=False, input_signature=signature)
        self._nothing = nothing
        self._tracing = tracing
        self._graph: Any = None
        self._preparing: Future[Any] | None = None

    def trace(self) -> Any:
        """Make the graph, if that was not done before, and return it as a function."""
        if self._graph is None:
            with self._tracing():
                self._graph = self._compiled.get_concrete_function()
        return self._graph

    def prepare(self, thread: Executor) -> None:
        """Begin to prepare it, in a thread. If that fails, so will the call, which is made all the same."""
        self._preparing = thread.submit(lambda: self.trace()(*self._nothing()))

    @property
    def begun(self) -> bool:
        """Whether it is being prepared, or has been."""
        return self._preparing is not None

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left to be prepared of what has begun."""
        return self._preparing is None or self._preparing.done()

    def ready(self) -> None:
        """Wait until it is not being prepared any more."""
        if self._preparing is not None:
            wait([self._preparing])

    def __call__(self, *arguments: Any) -> Any:
        """Call the function once it is prepared."""
        self.ready()
        self.trace()
        return self._compiled(*arguments)


def prepare(calls: Iterable[Call], *, trace: bool) -> None:
    """Prepare those calls that are not yet, one after the other, in a thread that ends with the last of them.

    Args:
        calls: in their order.
        trace: whether to trace them in the present thread, which then goes on later but with nobody beside it.

    """
    waiting = [call for call in calls if not call.begun]
    if not waiting:
        return
    thread = ThreadPoolExecutor(1)
    try:
        for call in waiting:
            if trace:
                call.trace()
            call.prepare(thread)
    finally:
        thread.shutdown(wait=False)
