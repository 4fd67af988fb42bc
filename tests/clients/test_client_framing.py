"""Frames, cut out of a stream however it arrives."""

import pytest

from agentrouted_client.framing import BadFrame, Frames, frame


def test_two_frames_in_one_read_are_two_bodies() -> None:
    assert Frames().feed(frame(b'{"id":1}') + frame(b'{"id":2}')) == [b'{"id":1}', b'{"id":2}']


def test_a_frame_that_comes_byte_by_byte_is_one_body() -> None:
    frames = Frames()
    bodies = [body for byte in frame("Grüße".encode()) for body in frames.feed(bytes([byte]))]
    assert bodies == ["Grüße".encode()]


def test_a_header_is_known_in_any_case_and_beside_others() -> None:
    assert Frames().feed(b"Content-Type: x\r\ncontent-length:2\r\n\r\n{}") == [b"{}"]


def test_only_one_short_header_is_sent() -> None:
    assert frame(b"{}") == b"Content-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("noise", [b"Welcome!\r\n\r\n", b"Content-Length: many\r\n\r\n", b"x" * 9000])
def test_what_is_not_a_frame_is_refused_with_its_beginning(noise: bytes) -> None:
    with pytest.raises(BadFrame, match=noise[:7].decode()):
        Frames().feed(noise)
