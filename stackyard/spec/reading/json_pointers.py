"""JSON pointers (RFC 6901)."""

from collections.abc import Iterable

Step = str | int


def pointer(steps: Iterable[Step]) -> str:
    """Return the pointer that takes these steps from the root: `("a/b", 0)` gives `/a~1b/0`."""
    return "".join(f"/{_escape(step)}" for step in steps)


def _escape(step: Step) -> str:
    # A key may hold what no JSON text may: a pointer has to be printable and encodable whatever the key was.
    text = str(step).encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
    return text.replace("~", "~0").replace("/", "~1")
