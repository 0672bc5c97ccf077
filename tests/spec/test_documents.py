"""Bytes that mean harm, or that are merely wrong: a pointer and a reason each, and never another exception."""

import json
import time

import pytest

from stackyard.spec import Limits, SpecError, decode, parse
from tests.spec.documents import SPEC, encode

GOOD = encode(SPEC)


def problems(data, limits=None):
    with pytest.raises(SpecError) as caught:
        parse(data, limits)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def spec_with(old: bytes, new: bytes) -> bytes:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("data", "pointer", "words"),
    [
        (b"", "", "expected JSON"),
        (b"{", "", "expected JSON"),
        (b"[]", "", "expected a JSON object, received an array"),
        (b"1", "", "expected a JSON object, received 1"),
        (b"null", "", "expected a JSON object, received null"),
        (b'"a"', "", "expected a JSON object"),
        (GOOD + b" x", "", "line 1, column"),
        (GOOD + GOOD, "", "expected JSON"),
        (b"\xef\xbb\xbf" + GOOD, "", "byte order mark"),
        (b'{"a": "\xff"}', "", "0xff at offset 7"),
        (GOOD.decode().encode("utf-16"), "", "UTF-8"),
        (spec_with(b'"units": 8', b'"units": 8, "units": 9'), "/network/layers/0/units", "once"),
        (spec_with(b'"seed": 0', b'"seed": NaN'), "/training/seed", "NaN"),
        (spec_with(b'"seed": 0', b'"seed": -Infinity'), "/training/seed", "-Infinity"),
        (spec_with(b"0.8", b"1e999"), "/data/split/validation/train_fraction", "1e999"),
        (spec_with(b'"seed": 0', b'"seed": 9223372036854775808'), "/training/seed", "64 bits"),
        (spec_with(b'"seed": 0', b'"seed": ' + b"9" * 5000), "/training/seed", "64 bits"),
        (spec_with(b'"seed": 0', b'"seed": -' + b"9" * 5000), "/training/seed", "64 bits"),
        (spec_with(b'"builtin:iris"', b'"\\ud800"'), "/data/dataset", "surrogate"),
        (spec_with(b'"builtin:iris"', b'"a\\u0000"'), "/data/dataset", "NUL"),
        (b'{"\\ud800": 1}', "/\\ud800", "surrogate"),
        (b'{"a/b~": NaN}', "/a~1b~0", "NaN"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_document_is_refused_at_its_place(data, pointer, words):
    assert words in problems(data)[pointer]


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100_000,
        b'{"a": ' + b"9" * 1_000_000 + b"}",
        b'{"a": "' + b"\\" * 1_000_000,
        b'{"a": [' + b"1," * 400_000 + b"1]}",
        b"\0" * 1000,
    ],
    ids=["deep arrays", "deep objects", "open arrays", "a million digits", "open string", "long array", "NULs"],
)
def test_a_document_that_would_cost_is_refused(data):
    assert problems(data)


@pytest.mark.parametrize(
    "made",
    [
        lambda size: b"[" * size + b"]" * size,
        lambda size: b'{"a":' * size + b"1" + b"}" * size,
        lambda size: b"[" * size,
        lambda size: b'{"a": ' + b"9" * size + b"}",
        lambda size: b'{"a": "' + b"\\" * size,
        lambda size: b'{"a": "' + b'\\"' * size,
        lambda size: b'{"a": [' + b"1," * size + b"1]}",
        lambda size: b"\0" * size,
    ],
    ids=["deep arrays", "deep objects", "open arrays", "digits", "open string", "open quotes", "long array", "NULs"],
)
def test_a_refusal_costs_no_more_than_in_proportion(made):
    """Refusing 16 times as much takes 16 times as long at the most, where a square of it would be 256."""

    def cost(size):
        return min(_seconds(lambda: problems(made(size))) for _ in range(5))

    assert cost(64_000) < 64 * cost(4_000)


def _seconds(action):
    begin = time.process_time()
    action()
    return time.process_time() - begin


def test_brackets_within_strings_are_not_depth():
    assert decode(encode({"a": "[" * 1000 + '\\"'}))


def test_the_limits_are_named():
    assert "max_json_bytes" in problems(GOOD, Limits(max_json_bytes=10))[""]
    assert "max_json_depth" in problems(GOOD, Limits(max_json_depth=2))[""]
    assert "max_json_elements" in problems(GOOD, Limits(max_json_elements=1))[""]
    assert "max_layers" in problems(GOOD, Limits(max_layers=1))["/network/layers"]


def test_every_fault_of_the_text_is_told_at_once():
    assert problems(b'{"a": NaN, "b": [1e999, "\\u0000"], "a": 1}').keys() == {"/a", "/b/0", "/b/1"}


def test_a_flood_of_problems_ends_with_a_count():
    found = problems(json.dumps({"x" + str(index): 1 for index in range(500)}).encode())
    assert len(found) <= 101
    assert "more problems" in found[""]


def test_what_is_repeated_of_the_document_is_short_and_printable():
    with pytest.raises(SpecError) as caught:
        parse(spec_with(b'"softmax"', b'"' + b"x" * 10_000 + b'"'))
    [problem] = caught.value.problems
    assert len(problem.message) < 2000
    assert len(str(problem.received)) < 200
