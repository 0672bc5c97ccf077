"""Random mutations of documents and bytes: of values, keys, types and structure, and to text that is not JSON."""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

Path = tuple[str | int, ...]

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
"""The number of mutations of one document, drawn from these."""


class Mutator:
    """Mutates documents, in the same way for the same state of `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._value_mutations: tuple[Callable[[Any, Path], None], ...] = (
            *(
                self._replace_value,
                self._replace_value,
                self._nudge_value,
                self._nudge_value,
                self._remove_value,
                self._rename_key,
                self._add_member,
            ),
            *(self._wrap_value, self._copy_value, self._copy_value, self._repeat_items),
        )
        self._byte_mutations = (
            self._replace_byte,
            self._insert_token,
            self._insert_token,
            self._remove_bytes,
            self._truncate_bytes,
            self._repeat_bytes,
        )

    def mutate(self, text: bytes) -> bytes:
        """Return a mutated document, given the text of a valid one."""
        if self._random.random() < 1 / 6:
            return self.mutate_bytes(text)
        document = json.loads(text)
        for _ in range(self._random.choice(COUNTS)):
            self.mutate_value(document)
        mutated = json.dumps(document).encode()
        return self.mutate_bytes(mutated) if self._random.random() < 1 / 20 else mutated

    def mutate_value(self, document: Any) -> None:
        """Change one value of a document in place."""
        if paths := list_inner_paths(document):
            path = self._random.choice(paths)
            self._random.choice(self._value_mutations)(document, path)

    def mutate_bytes(self, text: bytes) -> bytes:
        """Return `text` with a few random changes."""
        for _ in range(self._random.choice(COUNTS)):
            text = self._random.choice(self._byte_mutations)(text)
        return text

    def _replace_value(self, document: Any, path: Path) -> None:
        get_value(document, path[:-1])[path[-1]] = self._random.choice(SCALARS)

    def _nudge_value(self, document: Any, path: Path) -> None:
        container, key = get_value(document, path[:-1]), path[-1]
        container[key] = self._change_value(container[key])

    def _change_value(self, value: Any) -> Any:
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

    def _remove_value(self, document: Any, path: Path) -> None:
        del get_value(document, path[:-1])[path[-1]]

    def _rename_key(self, document: Any, path: Path) -> None:
        container = get_value(document, path[:-1])
        if isinstance(container, dict):
            old = str(path[-1])
            new = self._random.choice((old + "s", old[:-1], old.upper(), old[::-1], *KEYS))
            container[new] = container.pop(path[-1])

    def _add_member(self, document: Any, path: Path) -> None:
        container = get_value(document, path)
        if isinstance(container, dict):
            container[self._random.choice(KEYS)] = self._random.choice(SCALARS)
        elif isinstance(container, list):
            container.insert(self._random.randint(0, len(container)), self._random.choice(SCALARS))

    def _wrap_value(self, document: Any, path: Path) -> None:
        container, key = get_value(document, path[:-1]), path[-1]
        for _ in range(self._random.choice((1, 1, 2, 40))):
            container[key] = [container[key]] if self._random.random() < 1 / 2 else {"type": container[key]}

    def _copy_value(self, document: Any, path: Path) -> None:
        other = get_value(document, self._random.choice(list_inner_paths(document)))
        get_value(document, path[:-1])[path[-1]] = json.loads(json.dumps(other))

    def _repeat_items(self, document: Any, path: Path) -> None:
        items = get_value(document, path)
        if isinstance(items, list) and items:
            items.extend(items[:5] * self._random.choice((1, 10, 300)))

    def _draw_index(self, text: bytes) -> int:
        return self._random.randint(0, len(text))

    def _replace_byte(self, text: bytes) -> bytes:
        index = self._draw_index(text)
        return text[:index] + self._random.randbytes(1) + text[index + 1 :]

    def _insert_token(self, text: bytes) -> bytes:
        index = self._draw_index(text)
        return text[:index] + self._random.choice(TOKENS) + text[index:]

    def _remove_bytes(self, text: bytes) -> bytes:
        index = self._draw_index(text)
        return text[:index] + text[index + self._random.randint(1, 20) :]

    def _truncate_bytes(self, text: bytes) -> bytes:
        return text[: self._draw_index(text)]

    def _repeat_bytes(self, text: bytes) -> bytes:
        start, end = sorted((self._draw_index(text), self._draw_index(text)))
        return text[:end] + text[start:end] + text[end:]


def list_paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path to every value in a document, the root first."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from list_paths(member, (*path, key))


def list_inner_paths(document: Any) -> list[Path]:
    """Return the paths to all values in a document except its root."""
    return [path for path in list_paths(document) if path]


def get_value(document: Any, path: Path) -> Any:
    """Return the value at a path of a document."""
    for key in path:
        document = document[key]
    return document
