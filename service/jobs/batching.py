"""Asked at once, done at once: what costs as much for many as for one is done for all who wait for it."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Asked(Generic[Question, Answer]):
    """A question of one thread, and what came of it."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.outcome: Answer | BaseException | None = None

    def answer(self) -> Answer:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if self.outcome is None:
            raise RuntimeError("expected an answer to each question, received fewer")
        return self.outcome


class Together(Generic[Question, Answer]):
    """Gathers the questions that come while others are being answered, and has them answered together.

    There is no thread of its own: of those that wait, one answers for all. So a question that comes alone is answered
    at once, and the more come, the more each costs less.

    Args:
        answer: what to do for many: an answer for each question, in their order, never None; an exception among them
            is raised to the one who asked, an exception out of it to all of them.
        most: how many it may have at a time.

    """

    def __init__(self, answer: Callable[[Sequence[Question]], Sequence[Answer | Exception]], *, most: int) -> None:
        self._answer = answer
        self._most = most
        self._waiting: deque[_Asked[Question, Answer]] = deque()
        self._turn = threading.Lock()

    def ask(self, question: Question) -> Answer:
        """The answer, once this thread or another has found it; whatever is raised for it is raised here."""
        asked = _Asked[Question, Answer](question)
        self._waiting.append(asked)
        with self._turn:
            while asked.outcome is None:
                self._answer_some()
        return asked.answer()

    def _answer_some(self) -> None:
        """Answer those who have waited longest; the others wait behind the turn for theirs."""
        asked = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            outcomes = self._answer([one.question for one in asked])
            for one, outcome in zip(asked, outcomes, strict=True):
                one.outcome = outcome
        except BaseException as error:  # noqa: BLE001  # each of them raises it in its own thread
            for one in asked:
                one.outcome = error
