"""What can go wrong between a client and a server.

StackyardError
├── ConnectionFailedError   no answer came
├── ProblemError            the server says what is wrong with the request
├── BadAnswerError          an answer came that a Stackyard server does not give
└── WaitTimeoutError        the job did not end in the time given
"""

from stackyard.client.views import Problem


class StackyardError(Exception):
    """Whatever the client raises of its own accord."""


class ConnectionFailedError(StackyardError):
    """No answer came: the server is not there, or the network gave up.

    Args:
        url: where the server was looked for.
        reason: what the network said.

    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"No answer from {url}: {reason}.")
        self.url = url


class ProblemError(StackyardError):
    """The server refused, and says why in an RFC 9457 problem document.

    Args:
        problem: the document; `problem.errors` has each fault of a spec at its JSON pointer.

    """

    def __init__(self, problem: Problem) -> None:
        lines = [f"{problem.title} ({problem.status})" + (f": {problem.detail}" if problem.detail else "")]
        lines += [f"  {fault.pointer or '/'}: {fault.sentence}" for fault in problem.errors]
        super().__init__("\n".join(lines))
        self.problem = problem

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status


class BadAnswerError(StackyardError):
    """An answer that a Stackyard server does not give: perhaps a proxy's, or a file that arrived damaged."""


class WaitTimeoutError(StackyardError):
    """The job has not ended in the time given; it goes on.

    Args:
        job_id: the job.
        state: the state it was last seen in.
        seconds: how long it was waited for.

    """

    def __init__(self, job_id: str, state: str, seconds: float) -> None:
        super().__init__(f"Job {job_id} is still {state} after {seconds:g} s.")
        self.state = state
