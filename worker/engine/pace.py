"""How much a compiled call does."""

SLICE_S = 0.2
"""About how long a call should take: whoever looks on is asked between two of them whether to go on."""


class Pace:
    """How many steps make a call of about `SLICE_S`, by how long the last ones took.

    The first call tells nothing, since TensorFlow prepares a graph when it first runs: so two calls are short.
    """

    def __init__(self) -> None:
        self._each: float | None = None
        self._calls = 0

    @property
    def each(self) -> float | None:
        """Seconds a step; None while it is not known."""
        return self._each

    @property
    def steps(self) -> int:
        """How many steps the next call should take; at least 1."""
        return 1 if self._each is None else max(1, int(SLICE_S / self._each))

    def took(self, steps: int, seconds: float) -> None:
        """Take note of a call."""
        self._calls += 1
        if self._calls > 1:
            self._each = max(seconds, 1e-6) / max(steps, 1)
