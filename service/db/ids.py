"""Primary keys that sort by their time of creation."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562), which begins with a timestamp, so that keys sort and index by age."""
    return uuid_utils.compat.uuid7()
