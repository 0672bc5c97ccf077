"""Hostile and malformed documents: each is rejected with pointers and messages, and with no other exception."""

import json
import time

import pytest

from stackyard.spec import Limits, SpecError, decode_json_object, parse_spec
from tests.spec.documents import SPEC, encode_json

VALID_TEXT = encode_json(SPEC)


def collect_faults(data, limits=None):
    with pytest.raises(SpecError) as raised:
        parse_spec(data, limits)
    return {fault.pointer: fault.message for fault in raised.value.faults}


def replace_text(old: bytes, new: bytes) -> bytes:
    assert VALID_TEXT.count(old) == 1
    return VALID_TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("data", "pointer", "message"),
    [
        (b"", "", "received nothing"),
        (b"{", "", "expected JSON"),
        (b"[]", "", "expected a JSON object, received an array"),
        (b"1", "", "expected a JSON object, received 1"),
        (b"null", "", "expected a JSON object, received null"),
        (b'"a"', "", "expected a JSON object"),
        (VALID_TEXT + b" x", "", "line 1, column"),
        (VALID_TEXT + VALID_TEXT, "", "expected JSON"),
        (b"\xef\xbb\xbf" + VALID_TEXT, "", "byte order mark"),
        (b'{"a": "\xff"}', "", "0xff at offset 7"),
        (VALID_TEXT.decode().encode("utf-16"), "", "UTF-8"),
        (replace_text(b'"units": 8', b'"units": 8, "units": 9'), "/network/layers/0/units", "once"),
        (replace_text(b'"seed": 0', b'"seed": NaN'), "/training/seed", "NaN"),
        (replace_text(b'"seed": 0', b'"seed": -Infinity'), "/training/seed", "-Infinity"),
        (replace_text(b"0.8", b"1e999"), "/data/split/validation/train_fraction", "1e999"),
        (replace_text(b'"seed": 0', b'"seed": 9223372036854775808'), "/training/seed", "64 bits"),
        (replace_text(b'"seed": 0', b'"seed": ' + b"9" * 5000), "/training/seed", "64 bits"),
        (replace_text(b'"seed": 0', b'"seed": -' + b"9" * 5000), "/training/seed", "64 bits"),
        (replace_text(b'"builtin:iris"', b'"\\ud800"'), "/data/dataset", "surrogate"),
        (replace_text(b'"builtin:iris"', b'"a\\u0000"'), "/data/dataset", "NUL"),
        (b'{"\\ud800": 1}', "/\\ud800", "surrogate"),
        (b'{"a/b~": NaN}', "/a~1b~0", "NaN"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_malformed_document_is_rejected_at_its_pointer(data, pointer, message):
    assert message in collect_faults(data)[pointer]


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
def test_an_expensive_document_is_rejected(data):
    assert collect_faults(data)


@pytest.mark.parametrize(
    "build_text",
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
def test_the_time_of_a_rejection_grows_linearly_with_the_document(build_text):
    """A document of 16 times the size takes about 16 times as long; quadratic time would be 256 times as long."""

    def measure_fastest(size):
        return min(measure_seconds(lambda: collect_faults(build_text(size))) for _ in range(5))

    assert measure_fastest(64_000) < 64 * measure_fastest(4_000)


def measure_seconds(action):
    start = time.process_time()
    action()
    return time.process_time() - start


def test_brackets_within_strings_do_not_count_as_depth():
    assert decode_json_object(encode_json({"a": "[" * 1000 + '\\"'}))


def test_an_exceeded_limit_is_named():
    assert "max_json_bytes" in collect_faults(VALID_TEXT, Limits(max_json_bytes=10))[""]
    assert "max_json_depth" in collect_faults(VALID_TEXT, Limits(max_json_depth=2))[""]
    assert "max_json_elements" in collect_faults(VALID_TEXT, Limits(max_json_elements=1))[""]
    assert "max_layers" in collect_faults(VALID_TEXT, Limits(max_layers=1))["/network/layers"]


def test_all_faults_of_the_text_are_reported_together():
    assert collect_faults(b'{"a": NaN, "b": [1e999, "\\u0000"], "a": 1}').keys() == {"/a", "/b/0", "/b/1"}


def test_many_faults_end_with_a_count():
    messages = collect_faults(json.dumps({"x" + str(index): 1 for index in range(500)}).encode())
    assert len(messages) <= 101
    assert "more errors" in messages[""]


def test_a_fault_repeats_only_a_short_part_of_the_document():
    with pytest.raises(SpecError) as raised:
        parse_spec(replace_text(b'"softmax"', b'"' + b"x" * 10_000 + b'"'))
    [fault] = raised.value.faults
    assert len(fault.message) < 2000
    assert len(str(fault.received)) < 200
