"""What is found about rows, at its places: the first hundred, and how many more."""

from collections.abc import Sequence

from stackyard.spec import Problem
from stackyard.spec.reading.faults import MOST_PROBLEMS, shorten
from stackyard.spec.reading.json_pointers import Step, pointer


class Refused(Exception):
    """The rows cannot be predicted; `problems` say why, each at its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)


class Findings:
    """Problems, of which a request may have millions: few are kept, and the others counted.

    Args:
        lines: of a file, where each row begins, from 1; None for rows that come from no file.

    """

    def __init__(self, lines: Sequence[int] | None = None) -> None:
        self._lines = lines
        self._kept: list[Problem] = []
        self._others = 0

    def add(self, message: str, *steps: Step, received: object = None, fix: str | None = None) -> None:
        """Note something at the place to which these steps lead."""
        if len(self._kept) < MOST_PROBLEMS:
            place, shown = pointer(steps), shorten(received)
            self._kept.append(Problem(pointer=place, message=message, received=shown, fix=fix))
        else:
            self._others += 1

    def at_row(self, message: str, row: int, *steps: Step, received: object = None, fix: str | None = None) -> None:
        """Note something in a row, with its line where it has one."""
        where = "" if self._lines is None else f" (line {self._lines[row]})"
        self.add(message + where, "rows", row, *steps, received=received, fix=fix)

    @property
    def problems(self) -> list[Problem]:
        """What was noted, and at the end how much more there is."""
        if not self._others:
            return self._kept
        return [*self._kept, Problem(pointer="", message=f"and {self._others} more of this kind or other")]

    def refuse(self) -> None:
        """Go on only where nothing was noted.

        Raises:
            Refused: something was.

        """
        if self._kept:
            raise Refused(self.problems)
