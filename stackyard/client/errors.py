"""The errors of the client.

StackyardError
├── ConnectionFailedError   no answer arrived
├── ProblemError            the server refused the request, with a problem document
├── BadAnswerError          the answer is not one of a Stackyard server, or arrived damaged
├── NoSingleMatchError      a name or the start of an id has no match, or several
├── TrialFailedError        a trial of a sweep has ended without a value
└── WaitTimeoutError        the job, the sweep or the trial did not end in time
"""

from collections.abc import Sequence
from http import HTTPStatus

from stackyard.client.views import ProblemDocument


class StackyardError(Exception):
    """Base of the client's errors."""


class ConnectionFailedError(StackyardError):
    """No answer arrived: the server cannot be reached, or the network failed.

    Args:
        url: the server's URL.
        reason: the network's error message.

    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"No answer from {url}: {reason}.")
        self.url = url


class ProblemError(StackyardError):
    """The server refused the request, and explains why in an RFC 9457 problem document.

    Args:
        problem: the document; `problem.errors` has every fault of a spec, with its JSON pointer.

    """

    def __init__(self, problem: ProblemDocument) -> None:
        lines = [f"{problem.title} ({problem.status})" + (f": {problem.detail}" if problem.detail else "")]
        lines += [f"  {fault.pointer or '/'}: {fault.sentence}" for fault in problem.errors]
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and problem.request_id:
            lines.append(f"  The server's log has more about it under the id {problem.request_id}.")
        super().__init__("\n".join(lines))
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status


class BadAnswerError(StackyardError):
    """The answer is not one of a Stackyard server, such as a proxy's error, or a file arrived damaged."""


class NoSingleMatchError(StackyardError):
    """A name or the start of an id is of no object, or of several.

    Args:
        kind: `job`, `dataset`, `sweep`, `project` or `token`.
        reference: the name or the start of an id.
        candidates: a line for each match, at most ten; empty if there is none.

    """

    def __init__(self, kind: str, reference: str, candidates: Sequence[str] = ()) -> None:
        meaning = f'"{reference}" as its name or at the start of its id'
        if candidates:
            super().__init__("\n".join([f"Several {kind}s have {meaning}. Use the id of one:", *candidates]))
        else:
            super().__init__(f"There is no {kind} with {meaning}.")
        self.reference = reference
        self.candidates = list(candidates)


class TrialFailedError(StackyardError):
    """A trial of a sweep has ended without a value.

    Args:
        number: the number of the trial.
        state: how it has ended.
        reason: why.

    """

    def __init__(self, number: int, state: str, reason: str) -> None:
        super().__init__(f"Trial {number} is {state}, without a value. {reason}".rstrip())
        self.number = number
        self.state = state


class WaitTimeoutError(StackyardError):
    """The job, the sweep or the trial did not end in time. It is not cancelled.

    Args:
        item_id: the id of the job or the sweep, or the number of the trial.
        state: its last state.
        seconds: the time limit.
        kind: `Job`, `Sweep` or `Trial`.

    """

    def __init__(self, item_id: str, state: str, seconds: float, kind: str = "Job") -> None:
        super().__init__(f"{kind} {item_id} is still {state} after {seconds:g} s.")
        self.state = state
