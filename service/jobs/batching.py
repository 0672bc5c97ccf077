"""Batch concurrent requests into one call: work that costs about the same for many requests as for one."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Request = TypeVar("Request")
Result = TypeVar("Result")


class _PendingRequest(Generic[Request, Result]):
    """A request of one thread, and its outcome."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.outcome: Result | BaseException | None = None

    def get_result(self) -> Result:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if self.outcome is None:
            raise RuntimeError("expected a result for each request, received fewer")
        return self.outcome


class BatchExecutor(Generic[Request, Result]):
    """Collects the requests that arrive while a batch is executed, and executes them as the next batch.

    It has no thread of its own: one of the waiting threads executes the batch for all of them. So a single request is
    executed at once, and the more requests arrive, the less each one costs.

    Args:
        execute: executes a batch. It returns a result for each request, in order, and never None. A returned
            exception is raised for its own request; an exception that `execute` raises is raised for the whole batch.
        max_batch_size: the largest number of requests in a batch.

    """

    def __init__(
        self, execute: Callable[[Sequence[Request]], Sequence[Result | Exception]], *, max_batch_size: int
    ) -> None:
        self._execute = execute
        self._max_batch_size = max_batch_size
        self._pending: deque[_PendingRequest[Request, Result]] = deque()
        self._execution_lock = threading.Lock()

    def submit(self, request: Request) -> Result:
        """Return the result of a request, once this thread or another one has executed it.

        Raises:
            Exception: the exception that belongs to the request or to its batch.

        """
        pending_request = _PendingRequest[Request, Result](request)
        self._pending.append(pending_request)
        with self._execution_lock:
            while pending_request.outcome is None:
                self._execute_batch()
        return pending_request.get_result()

    def _execute_batch(self) -> None:
        """Execute the oldest requests. The threads of the others wait for the lock, and then execute theirs."""
        batch = [self._pending.popleft() for _ in range(min(self._max_batch_size, len(self._pending)))]
        try:
            outcomes = self._execute([pending.request for pending in batch])
            for pending, outcome in zip(batch, outcomes, strict=True):
                pending.outcome = outcome
        except BaseException as error:  # noqa: BLE001  # each thread of the batch raises it itself
            for pending in batch:
                pending.outcome = error
