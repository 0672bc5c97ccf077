"""The text of tokens: random, recognizable, and checked without a look-up."""

import math

from hypothesis import given
from hypothesis import strategies as st

from service.team.token_format import create_token, hash_token, is_well_formed

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_token_has_a_mark_160_random_bits_and_a_checksum():
    tokens = [create_token() for _ in range(200)]
    assert all(is_well_formed(token.text) for token in tokens)
    assert all(token.text.startswith("sy_") and len(token.text) == 36 for token in tokens)
    assert all(token.sha256 == hash_token(token.text) and token.text.startswith(token.prefix) for token in tokens)
    assert len({token.text for token in tokens}) == len(tokens)
    assert 27 * math.log2(62) >= 160, "27 digits hold all random bits"


def test_every_position_of_the_random_digits_varies():
    texts = [create_token().text[4:30] for _ in range(300)]  # the first digit has few values
    assert all(len(set(column)) > 40 for column in zip(*texts, strict=True))


@given(st.data())
def test_a_typing_error_is_noticed(data):
    text = create_token().text
    index = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(sorted(set(ALPHABET) - {text[index]})))
    assert not is_well_formed(text[:index] + other + text[index + 1 :])


@given(st.data())
def test_two_swapped_digits_are_noticed(data):
    text = create_token().text
    index = data.draw(st.integers(3, len(text) - 2))
    swapped = text[:index] + text[index + 1] + text[index] + text[index + 2 :]
    assert is_well_formed(swapped) is (swapped == text)


@given(st.text(max_size=60) | st.text(ALPHABET, min_size=33, max_size=33).map("sy_".__add__))
def test_no_other_text_is_a_token(text):
    assert not is_well_formed(text)


def test_surrounding_text_is_no_part_of_a_token():
    text = create_token().text
    for other in (f"{text} ", f" {text}", text + text, text[:-1], text.upper(), text.replace("sy_", "sy-")):
        assert not is_well_formed(other)


def test_the_hash_is_the_sha256_of_the_text():
    assert hash_token("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
