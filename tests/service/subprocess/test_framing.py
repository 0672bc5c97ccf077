"""Frames over pipes: whole or not at all."""

import io

import pytest

from service.subprocess import framing


def sent(*parts):
    pipe = io.BytesIO()
    framing.send(pipe, parts)
    return pipe.getvalue()


@pytest.mark.parametrize("parts", [(), (b"",), (b"a", b""), (b"{}", bytes(70_000), b"\0\1")])
def test_a_frame_arrives_as_it_was_sent_and_another_after_it(parts):
    pipe = io.BytesIO(sent(*parts) + sent(b"next"))
    assert framing.receive(pipe) == list(parts)
    assert framing.receive(pipe) == [b"next"]


def test_what_is_not_whole_is_the_end():
    whole = sent(b"spec", b"rows")
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            framing.receive(io.BytesIO(whole[:length]))
