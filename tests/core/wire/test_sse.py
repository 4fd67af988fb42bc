"""Server-sent events, however they are cut."""

import pytest

from agentrouted.core.errors import ResponseInvalid
from agentrouted.core.wire.sse import EventParser

STREAMS = {
    b"data: a\n\ndata: b\n\n": [b"a", b"b"],
    b"data: a\r\n\r\ndata: b\r\n\r\n": [b"a", b"b"],
    b"data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n": [b"a", b"b", b"c", b"d"],
    b"data:a\n\ndata:  b\n\n": [b"a", b" b"],
    b"data: a\ndata: b\n\n": [b"a\nb"],
    b"event: x\nid: 7\nretry: 5\ndata: a\n\n": [b"a"],
    b": ping\n\n:\n\n\n\ndata: a\n: pong\n\n\n\n\n": [b"a"],
    b"\xef\xbb\xbfdata: a\n\n": [b"a"],
    b"data\n\ndatum: a\n\ndata:\n\n": [],
    b'data: {"text": "\\r\\n\\r\\n"}\n\n': [b'{"text": "\\r\\n\\r\\n"}'],
    b"data: \xf0\x9f\xa6\x9c\n\n": ["🦜".encode()],
}


@pytest.mark.parametrize(("stream", "payloads"), STREAMS.items())
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_payloads_are_the_same_in_pieces_of_any_size(stream: bytes, payloads: list[bytes], size: int) -> None:
    parser = EventParser("acme")
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [payload for piece in pieces for payload in parser.feed(piece)] + parser.end() == payloads


def test_an_event_is_given_as_soon_as_it_is_whole() -> None:
    parser = EventParser("acme")
    assert parser.feed(b"data: a\n\ndata: b\n") == [b"a"]
    assert parser.feed(b"\n") == [b"b"]


def test_a_last_event_without_its_blank_line_comes_at_the_end() -> None:
    parser = EventParser("acme")
    assert parser.feed(b"data: a\n\ndata: b\n") == [b"a"]
    assert parser.end() == [b"b"]
    assert parser.end() == []


def test_an_event_of_eight_megabytes_passes_and_one_without_end_does_not() -> None:
    parser, piece = EventParser("acme"), b"x" * 65536
    parser.feed(b"data: ")
    for _ in range(128):
        assert parser.feed(piece) == []
    assert len(parser.feed(b"\n\n")[0]) == 128 * 65536
    with pytest.raises(ResponseInvalid, match="acme"):
        for _ in range(257):
            parser.feed(piece)
