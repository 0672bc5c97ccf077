"""What is wrong with a spec, said so that a person or a program can put it right."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

_KINDS: dict[type, str] = {
    dict: "an object",
    list: "an array",
    tuple: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    type(None): "null",
}

LONGEST_TEXT = 120
"""Longest string that a problem repeats; the rest of a longer one gives way to an ellipsis."""

MOST_PROBLEMS = 100
"""Most problems that one error carries; a count of the others takes the place of the rest."""

Received = str | int | float | bool | None


class Problem(BaseModel):
    """One thing that is wrong.

    `pointer` (RFC 6901) always leads to something that is in the document: where a member is missing, to the object
    that lacks it; where the text is not JSON at all, to the root. `received` is the value there, where it is short;
    `fix` is what was probably meant, or what would put it right.
    """

    model_config = ConfigDict(frozen=True)

    pointer: str
    message: str
    received: Received = None
    fix: str | None = None

    @property
    def sentence(self) -> str:
        """All of it but the place."""
        return self.message if self.fix is None else f"{self.message}: {self.fix}"


class SpecError(Exception):
    """A spec that cannot be run, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = _bounded(tuple(problems))
        super().__init__("\n".join(f"{problem.pointer or '(root)'}: {problem.sentence}" for problem in self.problems))


def _bounded(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    others = len(problems) - MOST_PROBLEMS
    return (
        *problems[:MOST_PROBLEMS],
        Problem(pointer="", message=f"and {others} more problems of this kind or other"),
    )


def shorten(value: object) -> Received:
    """Return what of `value` a problem may repeat: a short scalar, or nothing of an object or an array."""
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
    if isinstance(value, bool | int | float):
        return value
    return None


def say(value: object) -> str:
    """Return how a message names a value that was received: a short scalar as it is, anything else by its kind."""
    if isinstance(value, str):
        return f'"{shorten(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _KINDS.get(type(value), "something else")
