"""HTTP as other servers write it, and as it breaks: byte for byte."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress

import pytest
from harness.dialects import DIALECTS, Dialect
from harness.wire import answer, fault, talk

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.errors import AgentroutedError
from agentrouted.core.wire.http import HttpClient

LENGTH = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\n"


@asynccontextmanager
async def server(*pieces: bytes | asyncio.Event) -> AsyncIterator[str]:
    """Answers each request with these bytes, and hangs up in good order."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError), closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            # What is left unread when a connection is closed makes it a reset.
            await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0))
            for piece in pieces:
                if isinstance(piece, asyncio.Event):
                    await piece.wait()
                else:
                    writer.write(piece)
                    await writer.drain()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def body(dialect: Dialect, text: str = "Hello") -> bytes:
    return b"".join(step for step in dialect.stream(text).steps if isinstance(step, bytes))


def sized(content: bytes, *headers: bytes) -> bytes:
    lines = b"".join(b"%b\r\n" % header for header in headers)
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (lines, len(content), content)


def in_chunks(content: bytes) -> bytes:
    return b"".join(
        b"%x;ext=1\r\n%b\r\n" % (len(content[at : at + 7]), content[at : at + 7]) for at in range(0, len(content), 7)
    )


@pytest.fixture(params=DIALECTS.values(), ids=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "with its length": lambda content: LENGTH % (len(content), content),
    "in chunks with a trailer": lambda content: CHUNKED + in_chunks(content) + b"0\r\nx-end: 1\r\n\r\n",
    "to the end of the connection": lambda content: TO_THE_END + content,
    "after a 100 and a 103": lambda content: (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
        + LENGTH % (len(content), content)
    ),
    "with a header of many kilobytes": lambda content: sized(content, b"content-security-policy: " + b"a" * 30_000),
    "after a byte order mark": lambda content: sized(b"\xef\xbb\xbf" + content),
    "gzip that nobody asked for": lambda content: sized(gzip.compress(content), b"content-encoding: gzip"),
    "deflate": lambda content: sized(zlib.compress(content), b"content-encoding: deflate"),
    "in chunks without their end": lambda content: CHUNKED + in_chunks(content),
}


@pytest.mark.parametrize("way", WHOLE)
async def test_a_reply_is_understood_however_http_carries_it(http: HttpClient, dialect: Dialect, way: str) -> None:
    async with server(WHOLE[way](body(dialect))) as url:
        assert (await answer(http, url, wire=dialect.wire)).text == "Hello"


BROKEN: dict[str, tuple[Callable[[bytes], bytes], set[str]]] = {
    "shorter than its length": (
        lambda content: LENGTH % (len(content) + 50, content[: len(content) // 2]),
        {"responseTruncated"},
    ),
    "a chunk that is cut": (lambda content: CHUNKED + in_chunks(content)[: len(content) // 2], {"responseTruncated"}),
    "to an end that comes early": (lambda content: TO_THE_END + content[: len(content) // 2], {"responseTruncated"}),
    "gzip that is cut": (
        lambda content: sized(gzip.compress(content)[: len(content) // 9], b"content-encoding: gzip"),
        {"responseTruncated", "responseInvalid"},
    ),
    "gzip that is none": (lambda content: sized(content, b"content-encoding: gzip"), {"responseInvalid"}),
    "a length of a chunk that is no number": (
        lambda content: CHUNKED + b"zz\r\n",
        {"responseTruncated", "responseInvalid"},
    ),
    "no HTTP at all": (lambda content: b"SSH-2.0-OpenSSH_9.6\r\n", {"responseInvalid", "providerUnreachable"}),
    "half a status line": (lambda content: b"HTTP/1.1 20", {"providerUnreachable", "responseInvalid"}),
    "headers without end": (
        lambda content: b"HTTP/1.1 200 OK\r\n" + b"x-long: %b\r\n" % (b"a" * 100_000),
        {"responseInvalid", "providerUnreachable"},
    ),
    "nothing but a 100": (lambda content: b"HTTP/1.1 100 Continue\r\n\r\n", {"providerUnreachable"}),
    "an empty 204": (lambda content: b"HTTP/1.1 204 No Content\r\n\r\n", {"responseInvalid"}),
}


@pytest.mark.parametrize("way", BROKEN)
async def test_what_breaks_is_an_error_that_may_be_tried_elsewhere(
    http: HttpClient, dialect: Dialect, way: str
) -> None:
    break_it, kinds = BROKEN[way]
    async with server(break_it(body(dialect))) as url:
        error = await fault(http, url, wire=dialect.wire)
    assert error.kind in kinds
    assert error.retryable


async def test_headers_that_trickle_have_one_limit_together(http: HttpClient) -> None:
    async with server(b"HTTP/1.1 200 OK\r\nx-slow: ", asyncio.Event()) as url:
        error = await fault(http, url, timeouts=Timeouts(first_byte=0.1))
    assert (error.kind, error.details) == ("providerTimeout", {"wait": "first_byte", "seconds": 0.1})


async def test_a_first_event_that_is_an_error_shows_nothing(http: HttpClient, dialect: Dialect) -> None:
    [error] = [step for step in dialect.written(dialect.error).steps if isinstance(step, bytes)]
    seen = []
    async with server(CHUNKED + in_chunks(error) + b"0\r\n\r\n") as url:
        with pytest.raises(AgentroutedError) as caught:
            async for batch in talk(http, url, wire=dialect.wire):
                seen.append(batch)
    assert (caught.value.kind, seen) == ("providerError", []), caught.value.message


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_line_without_end_takes_no_more_than_its_limit(
    http: HttpClient, dialect: Dialect, is_packed: bool
) -> None:
    """Packed, a few kilobytes would become gigabytes."""
    begun = b'{"a":"' if dialect.wire == "ollama_chat" else b"data: "
    mebibyte = b"a" * (1 << 20)
    pieces = [begun, *[mebibyte] * 300]
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    if is_packed:
        packer = zlib.compressobj(1, wbits=31)
        pieces = [b"".join(packer.compress(piece) for piece in pieces) + packer.flush()]
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"
    async with server(head, *pieces) as url:
        tracemalloc.start()
        try:
            error = await fault(http, url, wire=dialect.wire)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert error.kind == "responseInvalid"
    assert peak < 200 << 20
