"""Ids whose order is the order of creation."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): time first, so that keys sort and index by age."""
    return uuid_utils.compat.uuid7()
