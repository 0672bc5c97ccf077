"""Collect faults of rows with their locations: the first ones, and the number of the others."""

from collections.abc import Iterable, Sequence

from stackyard.spec import Fault
from stackyard.spec.reading.faults import MAX_FAULTS, shorten_value
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer
from stackyard.spec.suggestions import MAX_SUGGESTIONS, suggest_name


class InvalidRowsError(Exception):
    """The rows are invalid; `faults` has each fault with its location."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


class RowFaults:
    """Faults of rows. A request may have millions, so only the first are stored, and the others are counted.

    Args:
        lines: the line in the file at which each row begins, from 1; None for rows that are not from a file.

    """

    def __init__(self, lines: Sequence[int] | None = None) -> None:
        self._lines = lines
        self._stored: list[Fault] = []
        self._omitted = 0
        self._suggestions = 0

    def add(self, message: str, *steps: PathSegment, received: object = None, fix: str | None = None) -> None:
        """Add a fault at the location of these JSON pointer steps."""
        if len(self._stored) < MAX_FAULTS:
            location, excerpt = format_pointer(steps), shorten_value(received)
            self._stored.append(Fault(pointer=location, message=message, received=excerpt, fix=fix))
        else:
            self._omitted += 1

    def add_at_row(
        self, message: str, row: int, *steps: PathSegment, received: object = None, fix: str | None = None
    ) -> None:
        """Add a fault of a row, with the row's line if it has one."""
        line = "" if self._lines is None else f" (line {self._lines[row]})"
        self.add(message + line, "rows", row, *steps, received=received, fix=fix)

    def suggest_name(self, unknown_name: str, names: Iterable[str]) -> str | None:
        """Return the most similar name as a fix, for the first few calls; None for later ones."""
        self._suggestions += 1
        return suggest_name(unknown_name, names) if self._suggestions <= MAX_SUGGESTIONS else None

    @property
    def faults(self) -> list[Fault]:
        """The stored faults, followed by the number of the others, if any."""
        if not self._omitted:
            return self._stored
        return [*self._stored, Fault(pointer="", message=f"and {self._omitted} more errors")]

    def raise_if_any(self) -> None:
        """Raise the faults, if there are any.

        Raises:
            InvalidRowsError: there is at least one fault.

        """
        if self._stored:
            raise InvalidRowsError(self.faults)
