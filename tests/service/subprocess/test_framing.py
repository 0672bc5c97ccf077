"""Frames over pipes are complete or rejected."""

import io

import pytest

from service.subprocess import framing


def build_frame(*parts):
    pipe = io.BytesIO()
    framing.send_frame(pipe, parts)
    return pipe.getvalue()


@pytest.mark.parametrize("parts", [(), (b"",), (b"a", b""), (b"{}", bytes(70_000), b"\0\1")])
def test_frames_arrive_unchanged_and_in_order(parts):
    pipe = io.BytesIO(build_frame(*parts) + build_frame(b"next"))
    assert framing.receive_frame(pipe) == list(parts)
    assert framing.receive_frame(pipe) == [b"next"]


def test_what_is_not_whole_is_the_end():
    whole = build_frame(b"spec", b"rows")
    for length in range(len(whole)):
        with pytest.raises(EOFError):
            framing.receive_frame(io.BytesIO(whole[:length]))
