"""Errors that use cases raise. `api.http.problem_documents` maps them to HTTP responses.

ServiceError
├── NotFound
├── Forbidden
├── Conflict
├── InvalidInput
├── TooLarge
├── UnsupportedMediaType
├── Unavailable
├── TooManyRequests
├── StorageLimitReached
├── StorageError
│   ├── StorageFull
│   └── FileRemoved
├── CorruptFile
└── LeaseLost
"""

from stackyard.spec import Fault


class ServiceError(Exception):
    """Base class of the errors that a use case raises. Clients see the message."""


class NotFound(ServiceError):
    """The requested resource does not exist.

    Args:
        resource: the kind of resource, as users call it (`job`).
        key: the id or name that was looked up.

    """

    def __init__(self, resource: str, key: object) -> None:
        super().__init__(f"There is no {resource} {key}.")


class Forbidden(ServiceError):
    """The principal sees the resource, but may not do this with it.

    Args:
        code: an identifier for programs (`role_required`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Conflict(ServiceError):
    """The resource exists, but its state does not allow the operation.

    Args:
        code: an identifier for programs (`no_model`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class InvalidInput(ServiceError):
    """The input is invalid. Each fault has a JSON pointer and a message."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.pointer or '/'}: {fault.message}" for fault in faults))
        self.faults = faults


class TooLarge(ServiceError):
    """The content has more bytes than the limit allows."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(f"{subject} may have at most {limit:,} bytes.")
        self.limit = limit


class UnsupportedMediaType(ServiceError):
    """The endpoint does not accept this Content-Type."""

    def __init__(self, received: str, expected: tuple[str, ...]) -> None:
        hint = " Convert YAML to JSON." if "yaml" in received.lower() else ""
        super().__init__(f"Expected a Content-Type of {', '.join(expected)}; received {received or 'none'}.{hint}")


class Unavailable(ServiceError):
    """The operation is temporarily unavailable; the client may retry.

    Args:
        code: an identifier for programs (`charts_busy`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TooManyRequests(ServiceError):
    """The client, or all clients together, hold as many resources as the settings allow; the client may retry.

    Args:
        code: an identifier for programs (`too_many_streams`).
        message: a sentence for people.

    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StorageLimitReached(ServiceError):
    """The user stores as many bytes as they may. It helps to delete something, not to try again."""


class StorageError(ServiceError):
    """A file cannot be read or written because its disk or its object store failed."""


class StorageFull(StorageError):
    """The disk has no space left for a file."""


class FileRemoved(StorageError):
    """A stored file was garbage-collected before a row referenced it. Store it again."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The file {sha256[:12]}… is no longer in the store; store it again.")


class CorruptFile(ServiceError):
    """A stored file is missing, or its content does not match its SHA-256."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The stored file {sha256[:12]}… is corrupt or missing.")


class LeaseLost(ServiceError):
    """The worker no longer holds the attempt: its lease expired, or its job was deleted or concluded elsewhere."""
