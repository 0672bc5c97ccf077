"""The parser of server-sent events."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from stackyard.client.errors import BadAnswerError
from stackyard.client.views import Event, Json


def parse_events(lines: Iterable[str]) -> Iterator[Event | None]:
    """Parse the lines of an event stream, and yield its events.

    Yields None for a block without data, such as a comment that keeps the connection open. An event whose end did not
    arrive is dropped.

    Raises:
        BadAnswerError: the data of an event is not a JSON object.

    """
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        else:
            yield _build_event(fields)
            fields = {}


def _build_event(fields: dict[str, list[str]]) -> Event | None:
    if "data" not in fields:
        return None
    data = _parse_object("\n".join(fields["data"]))
    return Event(_get_last_value(fields, "id"), _get_last_value(fields, "event"), data)


def _get_last_value(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[-1]


def _parse_object(text: str) -> Json:
    try:
        data: Any = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise BadAnswerError("An event arrived whose data is not a JSON object.")
    return cast("Json", data)
