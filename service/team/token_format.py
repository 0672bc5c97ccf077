"""The text of a token: `sy_`, 160 random bits, and a checksum that reveals typing errors without a look-up."""

import hashlib
import secrets
import zlib
from typing import NamedTuple

_MARK = "sy_"
_RANDOM_BITS = 160
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_DIGITS, _CHECKSUM_DIGITS = 27, 6
"""Digits to base 62 of 160 random bits, and of a CRC-32."""
_LENGTH = len(_MARK) + _RANDOM_DIGITS + _CHECKSUM_DIGITS
_PREFIX_LENGTH = len(_MARK) + 6


class NewToken(NamedTuple):
    """A token that is shown once, its SHA-256 for the database, and the prefix by which people recognize it."""

    text: str
    sha256: str
    prefix: str


def create_token() -> NewToken:
    """Create a random token."""
    random_digits = _encode(secrets.randbits(_RANDOM_BITS), _RANDOM_DIGITS)
    text = _MARK + random_digits + _compute_checksum(random_digits)
    return NewToken(text, hash_token(text), text[:_PREFIX_LENGTH])


def is_well_formed(text: str) -> bool:
    """Return whether a text has the form of a token, with the right checksum."""
    digits = text.removeprefix(_MARK)
    if len(text) != _LENGTH or len(digits) == len(text) or not set(digits) <= set(_ALPHABET):
        return False
    return digits[_RANDOM_DIGITS:] == _compute_checksum(digits[:_RANDOM_DIGITS])


def hash_token(text: str) -> str:
    """Return the SHA-256 of a token. So many random bits cannot be guessed, so that a slow hash would add nothing."""
    return hashlib.sha256(text.encode()).hexdigest()


def _compute_checksum(digits: str) -> str:
    return _encode(zlib.crc32(digits.encode()), _CHECKSUM_DIGITS)


def _encode(number: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        number, remainder = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[remainder])
    return "".join(reversed(digits))
