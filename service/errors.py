"""What the use cases refuse. What that is in HTTP is the API's matter (`api.http.problem_documents`).

ServiceError
├── NotFound
├── Conflict
├── Invalid
├── TooLarge
├── UnsupportedMediaType
├── Unavailable
├── StorageError
│   ├── StorageFull
│   └── FileGone
├── Damaged
└── LeaseLost
"""

from stackyard.spec import Problem


class ServiceError(Exception):
    """Something asked of a use case that it does not do; the message is written for the person who asked."""


class NotFound(ServiceError):
    """There is no such thing.

    Args:
        what: the kind of thing, as a person calls it (`job`).
        key: what it was looked for by.

    """

    def __init__(self, what: str, key: object) -> None:
        super().__init__(f"There is no {what} {key}.")
        self.what = what


class Conflict(ServiceError):
    """The thing is there, but not in a state in which this can be done.

    Args:
        code: a word for programs (`no_model`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Invalid(ServiceError):
    """Input that does not mean anything here, each fault at its place."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in problems))
        self.problems = problems


class TooLarge(ServiceError):
    """More bytes than the limit allows."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} may have at most {limit:,} bytes.")
        self.limit = limit


class UnsupportedMediaType(ServiceError):
    """A Content-Type that is not among the ones that can be read."""

    def __init__(self, received: str, expected: tuple[str, ...]) -> None:
        super().__init__(f"Expected a Content-Type of {', '.join(expected)}; received {received or 'none'}.")


class Unavailable(ServiceError):
    """It could be done, but not at this moment.

    Args:
        code: a word for programs (`charts_busy`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StorageError(ServiceError):
    """A file cannot be written or read: its disk, or the store that it is kept in, does not do it."""


class StorageFull(StorageError):
    """There is no room for a file."""


class FileGone(StorageError):
    """A file that is about to be named was taken away as nobody's; it has to be stored again."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The file {sha256[:12]}… is not in the store any more; it has to be stored again.")


class Damaged(ServiceError):
    """A stored file is not there, or is not what its SHA-256 says."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The stored file {sha256[:12]}… is damaged or gone, so it is not used.")


class LeaseLost(ServiceError):
    """The attempt is no longer this worker's: its lease ended, or its job was deleted or concluded elsewhere."""
