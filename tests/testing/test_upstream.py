"""The scripted upstream, asked in plain bytes."""

import asyncio
import gzip
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentrouted.testing.upstream import Received, Reply, Upstream

ASK = b"POST /v1/chat/completions HTTP/1.1\r\nX-Mine: 1\r\nContent-Length: 13\r\n\r\n" + b'{"model":"m"}'


@asynccontextmanager
async def connected(upstream: Upstream) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(upstream.url.split(":")[2].removesuffix("/v1")))
    async with asyncio.timeout(5):
        yield reader, writer
    writer.close()
    await writer.wait_closed()


async def replies(upstream: Upstream, count: int = 1) -> list[tuple[str, bytes]]:
    """The heads and bodies of as many requests on one connection."""
    async with connected(upstream) as (reader, writer):
        found = []
        for _ in range(count):
            writer.write(ASK)
            head = await reader.readuntil(b"\r\n\r\n")
            found.append((head.decode(), await body(reader)))
        return found


async def body(reader: asyncio.StreamReader) -> bytes:
    whole = b""
    while size := int(await reader.readline(), 16):
        whole += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return whole


async def test_replies_come_in_the_order_of_the_script_and_the_last_one_stays() -> None:
    async with Upstream([Reply.json(1), Reply.json(2)]) as upstream:
        assert [content for _, content in await replies(upstream, 3)] == [b"1", b"2", b"2"]
        assert upstream.connections == 1


async def test_a_connection_that_has_just_come_is_closed_with_the_upstream() -> None:
    async with Upstream() as upstream:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(upstream.url.split(":")[2].removesuffix("/v1")))
        while not upstream.connections:
            await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_requests_are_recorded() -> None:
    async with Upstream() as upstream:
        await replies(upstream)
        request = await upstream.received()
    assert upstream.requests == [request]
    assert (request.method, request.path, request.body) == ("POST", "/v1/chat/completions", {"model": "m"})
    assert request.headers["x-mine"] == "1"
    assert not request.closed_early.is_set()


async def test_a_reply_may_depend_on_the_request() -> None:
    def echo(request: Received) -> Reply:
        return Reply.json(request.body["model"])

    async with Upstream([echo]) as upstream:
        assert (await replies(upstream))[0][1] == b'"m"'


async def test_a_status_has_its_headers_and_body() -> None:
    async with Upstream([Reply.status(429, {"error": "no"}, {"retry-after": "1"})]) as upstream:
        head, content = (await replies(upstream))[0]
    assert head.startswith("HTTP/1.1 429 Too Many Requests\r\n")
    assert "retry-after: 1\r\n" in head
    assert content == b'{"error": "no"}'


@pytest.mark.parametrize("script", [Reply.text("a", asyncio.Event()), Reply.silence()])
async def test_a_client_that_goes_early_is_noticed(script: Reply) -> None:
    async with Upstream([script]) as upstream:
        async with connected(upstream) as (_, writer):
            writer.write(ASK)
            request = await upstream.received()
        async with asyncio.timeout(5):
            await request.closed_early.wait()


async def test_a_pause_lasts_until_its_event() -> None:
    more = asyncio.Event()
    async with Upstream([Reply.raw(b"one", more, b"two")]) as upstream, connected(upstream) as (reader, writer):
        writer.write(ASK)
        assert (await reader.readuntil(b"one")).endswith(b"one")
        more.set()
        assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"two\r\n0\r\n\r\n")


async def test_a_held_reply_begins_after_its_event() -> None:
    begin = asyncio.Event()
    async with Upstream([Reply.json(1).held(begin)]) as upstream:
        asking = asyncio.create_task(replies(upstream))
        await upstream.received()
        assert not asking.done()
        begin.set()
        assert (await asking)[0][1] == b"1"


@pytest.mark.parametrize("script", [Reply.raw(b"abc").cut(after=2), Reply.hang_up()])
async def test_a_cut_is_a_reset_and_no_fault_of_the_client(script: Reply) -> None:
    async with Upstream([script]) as upstream:
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await replies(upstream)
        assert not upstream.requests[0].closed_early.is_set()


async def test_dripped_and_zipped_bodies_are_the_same_body() -> None:
    plain = Reply.text("Hello", " world")
    async with Upstream([plain, plain.dripped(), plain.gzipped()]) as upstream:
        (_, whole), (_, drops), (head, packed) = await replies(upstream, 3)
    assert whole == drops == gzip.decompress(packed)
    assert "content-encoding: gzip" in head


async def test_several_calls_can_be_asked_for_at_once() -> None:
    async with Upstream([Reply.tool_calls({"c1": ("add", {"a": 1}), "c2": ("mul", {})})]) as upstream:
        content = (await replies(upstream))[0][1].decode()
    events = [json.loads(line[6:]) for line in content.split("\n\n") if line.startswith("data: {")]
    calls = [event["choices"][0]["delta"]["tool_calls"][0] for event in events[:2]]
    assert [(call["index"], call["id"], call["function"]["name"]) for call in calls] == [
        (0, "c1", "add"),
        (1, "c2", "mul"),
    ]


@pytest.mark.e2e
async def test_it_runs_as_a_program(tmp_path: Path) -> None:
    command = (
        sys.executable,
        "-m",
        "agentrouted.testing.upstream",
        "--script",
        "tool",
        "--port-file",
        str(tmp_path / "port"),
    )
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    assert url == f"http://127.0.0.1:{(tmp_path / 'port').read_text()}/v1"
    process.terminate()
    await process.wait()
