"""Documents and bytes made worse at random: values, keys, types, structure, and what is no JSON at all."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Way = tuple[str | int, ...]

SCALARS = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        3,
        7,
        0.5,
        -0.5,
        1.0,
        1e-9,
        1e308,
        -1e308,
        10**9,
        2**31,
        2**32,
        2**53,
        2**63 - 1,
    ),
    *("", " ", "a", "adam", "Dense", "dense", "Input", "Lambda", "mse", "accuracy", "one_hot", "random", "balanced"),
    *("target", "builtin:iris", "../../etc/passwd", "__class__", "os.system", "é", "\u202e", "\U0001f600", "%s{0}"),
)
KEYS = (
    "type",
    "name",
    "units",
    "class_name",
    "config",
    "module",
    "registered_name",
    "fn",
    "__class__",
    "",
    "a/b~",
    "é",
)
TOKENS = (
    *(b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-0", b"00", b"0x1", b"null", b"true", b"tru", b"{}", b"[]", b'""'),
    *(b'"\\ud800"', b'"\\u0000"', b"\xff", b"\x00", b"\xef\xbb\xbf", b"/*", b"//", b"'", b",,", b":", b"[" * 40),
    *(b'{"a":' * 40, b'{"a":1,"a":2}', b"\\", b'\\"', b"\n", b"\xe2\x80\xa8", b"1." + b"0" * 300, b"1e-400"),
)
COUNTS = (1, 1, 1, 2, 4)
"""How many mutations one document gets."""


class Mutator:
    """Makes worse what it is given; the same for the same `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._of_values: tuple[Callable[[Any, Way], None], ...] = (
            *(self._replace, self._replace, self._nudge, self._nudge, self._remove, self._rename, self._add),
            *(self._wrap, self._copy, self._copy, self._repeat),
        )
        self._of_bytes = (self._flip, self._insert, self._insert, self._cut, self._truncate, self._double)

    def mutate(self, text: bytes) -> bytes:
        """A worse document, of the text of a good one."""
        if self._random.random() < 1 / 6:
            return self.mutate_bytes(text)
        document = json.loads(text)
        for _ in range(self._random.choice(COUNTS)):
            self.mutate_value(document)
        mutated = json.dumps(document).encode()
        return self.mutate_bytes(mutated) if self._random.random() < 1 / 20 else mutated

    def mutate_value(self, document: Any) -> None:
        """Change one place of a document."""
        if ways := list(_ways(document)):
            way = self._random.choice(ways)
            self._random.choice(self._of_values)(document, way)

    def mutate_bytes(self, text: bytes) -> bytes:
        """Change a few bytes, whatever they are."""
        for _ in range(self._random.choice(COUNTS)):
            text = self._random.choice(self._of_bytes)(text)
        return text

    def _replace(self, document: Any, way: Way) -> None:
        _at(document, way[:-1])[way[-1]] = self._random.choice(SCALARS)

    def _nudge(self, document: Any, way: Way) -> None:
        holder, step = _at(document, way[:-1]), way[-1]
        holder[step] = self._nudged(holder[step])

    def _nudged(self, value: Any) -> Any:
        match value:
            case bool():
                return self._random.choice((not value, int(value), str(value)))
            case int() | float():
                return self._random.choice((value + 1, -value, value * 1000, value / 3, str(value), [value]))
            case str():
                return self._random.choice((value[:-1], value + "s", value.upper(), value * 50, [value], {value: 1}))
            case list():
                return self._random.choice((value[::-1], value * 20, dict.fromkeys(map(str, value)), value[:1]))
            case dict():
                return self._random.choice((list(value.values()), list(value), {**value, "type": "Dense"}))
            case _:
                return 0

    def _remove(self, document: Any, way: Way) -> None:
        del _at(document, way[:-1])[way[-1]]

    def _rename(self, document: Any, way: Way) -> None:
        holder = _at(document, way[:-1])
        if isinstance(holder, dict):
            old = str(way[-1])
            new = self._random.choice((old + "s", old[:-1], old.upper(), old[::-1], *KEYS))
            holder[new] = holder.pop(way[-1])

    def _add(self, document: Any, way: Way) -> None:
        holder = _at(document, way)
        if isinstance(holder, dict):
            holder[self._random.choice(KEYS)] = self._random.choice(SCALARS)
        elif isinstance(holder, list):
            holder.insert(self._random.randint(0, len(holder)), self._random.choice(SCALARS))

    def _wrap(self, document: Any, way: Way) -> None:
        holder, step = _at(document, way[:-1]), way[-1]
        for _ in range(self._random.choice((1, 1, 2, 40))):
            holder[step] = [holder[step]] if self._random.random() < 1 / 2 else {"type": holder[step]}

    def _copy(self, document: Any, way: Way) -> None:
        other = _at(document, self._random.choice(list(_ways(document))))
        _at(document, way[:-1])[way[-1]] = json.loads(json.dumps(other))

    def _repeat(self, document: Any, way: Way) -> None:
        here = _at(document, way)
        if isinstance(here, list) and here:
            here.extend(here[:5] * self._random.choice((1, 10, 300)))

    def _place(self, text: bytes) -> int:
        return self._random.randint(0, len(text))

    def _flip(self, text: bytes) -> bytes:
        place = self._place(text)
        return text[:place] + self._random.randbytes(1) + text[place + 1 :]

    def _insert(self, text: bytes) -> bytes:
        place = self._place(text)
        return text[:place] + self._random.choice(TOKENS) + text[place:]

    def _cut(self, text: bytes) -> bytes:
        place = self._place(text)
        return text[:place] + text[place + self._random.randint(1, 20) :]

    def _truncate(self, text: bytes) -> bytes:
        return text[: self._place(text)]

    def _double(self, text: bytes) -> bytes:
        begin, end = sorted((self._place(text), self._place(text)))
        return text[:end] + text[begin:end] + text[end:]


def _ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The way to every place in a document but its root."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield (*way, step)
        yield from _ways(member, (*way, step))


def _at(document: Any, way: Way) -> Any:
    for step in way:
        document = document[step]
    return document
