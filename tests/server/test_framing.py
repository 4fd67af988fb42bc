"""Bytes to frames, however they come."""

import pytest

from agentrouted.server.framing import Fault, FrameReader, encode_frame

GOOD = encode_frame(b'{"good":1}')


def read(*pieces: bytes) -> list[bytes | str]:
    """Bodies, and the kinds of faults, that come of these reads."""
    reader = FrameReader(header_bytes=8192, message_bytes=1000)
    found = [item for piece in pieces for item in reader.feed(piece)]
    return [f"{item.kind}!" if isinstance(item, Fault) and item.fatal else _name(item) for item in found]


def _name(item: bytes | Fault) -> bytes | str:
    return item.kind if isinstance(item, Fault) else item


def test_frames_of_one_read_come_in_order() -> None:
    assert read(encode_frame(b"1") + encode_frame(b"2") + GOOD) == [b"1", b"2", b'{"good":1}']


def test_a_frame_may_come_byte_by_byte() -> None:
    assert read(*(bytes([byte]) for byte in GOOD + GOOD)) == [b'{"good":1}'] * 2


@pytest.mark.parametrize(
    "frame",
    [
        b"content-length: 2\r\n\r\n{}",
        b"CONTENT-LENGTH:2\r\n\r\n{}",
        b"Content-Length: 2\n\n{}",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"\r\n\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_headers_are_read_as_clients_really_write_them(frame: bytes) -> None:
    assert read(frame + GOOD) == [b"{}", b'{"good":1}']
    assert read(*(bytes([byte]) for byte in frame + GOOD)) == [b"{}", b'{"good":1}']


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b"X-Other: 1\r\n\r\n", "parseError"),
        (b"no colon here\r\n\r\n", "parseError"),
        (b"Content-Length: -1\r\n\r\n", "parseError"),
        (b"Content-Length: 1_0\r\n\r\n", "parseError"),
        (b"Content-Length: \xd9\xa3\r\n\r\n", "parseError"),
        (b"Content-Length: ten\r\n\r\n", "parseError"),
        (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n", "parseError"),
        (b'{"jsonrpc":"2.0","id":1,"method":"x"}\n', "parseError"),
        (b"[1,2]\n", "parseError"),
        (b"Content-Length: 1001\r\n\r\n" + b"x" * 1001, "messageTooLarge"),
        (b"Content-Length: 10737418240\r\n\r\n", "messageTooLarge"),
    ],
)
def test_after_bad_input_the_next_frame_is_read(bad: bytes, kind: str) -> None:
    assert read(bad + GOOD) == [kind, b'{"good":1}']
    assert read(*(bytes([byte]) for byte in bad + GOOD)) == [kind, b'{"good":1}']


def test_a_length_that_is_too_short_costs_one_frame_only() -> None:
    assert read(b"Content-Length: 1\r\n\r\n{}" + GOOD) == [b"{", "parseError", b'{"good":1}']


def test_a_header_without_end_is_fatal() -> None:
    assert read(b"x" * 8192) == ["messageTooLarge!"]


def test_ten_gigabytes_that_really_come_are_fatal() -> None:
    assert read(b"Content-Length: 10737418240\r\n\r\n" + b"x" * 100) == ["messageTooLarge", "messageTooLarge!"]


def test_what_is_sent_has_one_header() -> None:
    assert encode_frame(b"{}") == b"Content-Length: 2\r\n\r\n{}"
