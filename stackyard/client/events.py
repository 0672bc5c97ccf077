"""Server-sent events, out of their lines."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, cast

from stackyard.client.errors import BadAnswerError
from stackyard.client.views import Event, Json


def parse(lines: Iterable[str]) -> Iterator[Event | None]:
    """The events that lines make up, None for what is none: a comment, by which the server says that it is there.

    An event whose end did not arrive is left out.

    Raises:
        BadAnswerError: the data of one is not a JSON object.

    """
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
        else:
            yield _event(fields)
            fields = {}


def _event(fields: dict[str, list[str]]) -> Event | None:
    if "data" not in fields:
        return None
    return Event(_last(fields, "id"), _last(fields, "event"), _object("\n".join(fields["data"])))


def _last(fields: dict[str, list[str]], name: str) -> str:
    return fields.get(name, [""])[-1]


def _object(text: str) -> Json:
    try:
        data: Any = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise BadAnswerError("An event arrived whose data is not a JSON object.")
    return cast("Json", data)
