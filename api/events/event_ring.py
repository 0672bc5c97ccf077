"""A bounded buffer of the newest events, numbered, from which all streams read."""

from collections import deque
from dataclasses import dataclass
from secrets import token_hex
from uuid import UUID

from fastapi.sse import format_sse_event


@dataclass(frozen=True)
class NumberedEvent:
    """An event as the bytes of a stream.

    With a job, it is only for streams that chose the job. With a project, it is only for those who see the project.
    """

    number: int
    job_id: UUID | None
    project_id: UUID | None
    text: bytes


class EventRing:
    """The newest events. It drops the oldest ones if they take more than `max_bytes`.

    Ids of events begin with a random word, so that the ids of another process, or of one before a restart, are
    unknown.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._events: deque[NumberedEvent] = deque()
        self._word = token_hex(4)
        self.newest = 0
        """The number of the newest event; 0 if there was none."""

    def add(self, event: str, data: str, job_id: UUID | None = None, project_id: UUID | None = None) -> None:
        """Add an event with its data as JSON."""
        self.newest += 1
        text = format_sse_event(event=event, id=self.format_id(self.newest), data_str=data)
        self._events.append(NumberedEvent(self.newest, job_id, project_id, text))
        self._bytes += len(text)
        while self._bytes > self._max_bytes:
            self._bytes -= len(self._events.popleft().text)

    def has_all_after(self, number: int) -> bool:
        """Return whether no event after this number was dropped."""
        return number + 1 >= (self._events[0].number if self._events else self.newest + 1)

    def get_next(self, number: int) -> NumberedEvent | None:
        """Return the event after this number, or the oldest that is still there; None if there is none yet."""
        if number >= self.newest or not self._events:
            return None
        return self._events[max(0, number + 1 - self._events[0].number)]

    def format_id(self, number: int) -> str:
        """Return the id of the event with this number."""
        return f"{self._word}-{number}"

    def parse_id(self, event_id: str) -> int | None:
        """Return the number of an event from its id; None if the id is unknown or events after it were dropped."""
        word, _, digits = event_id.partition("-")
        number = int(digits)
        is_known = word == self._word and number <= self.newest and self.has_all_after(number)
        return number if is_known else None
