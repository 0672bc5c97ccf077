"""JSON pointers (RFC 6901)."""

from collections.abc import Iterable

PathSegment = str | int


def format_pointer(segments: Iterable[PathSegment]) -> str:
    """Return the pointer of a path from the root: `("a/b", 0)` gives `/a~1b/0`."""
    return "".join(f"/{_escape_segment(segment)}" for segment in segments)


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Return the segments of a pointer, unescaped: `/a~1b/0` gives `("a/b", "0")`."""
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in pointer.split("/")[1:])


def _escape_segment(segment: PathSegment) -> str:
    # A key may contain what no JSON text may; the pointer must be printable and encodable for any key.
    text = str(segment).encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return text.replace("~", "~0").replace("/", "~1")
