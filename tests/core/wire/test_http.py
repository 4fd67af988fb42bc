"""The HTTP client, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from harness.wire import KEY, answer, endpoint, fault, prompt, talk

from agentrouted.core.endpoint import Timeouts
from agentrouted.core.wire.chat_completions import ChatCompletions
from agentrouted.core.wire.http import HttpClient
from agentrouted.testing.upstream import Reply, Upstream
from agentrouted_protocol.messages import ImagePart, Message


async def test_connections_are_kept(http: HttpClient) -> None:
    async with Upstream() as upstream:
        for _ in range(5):
            await answer(http, upstream.url)
        assert (upstream.connections, len(upstream.requests)) == (1, 5)


async def test_hundreds_of_streams_run_at_once(http: HttpClient) -> None:
    more, begun = asyncio.Event(), asyncio.Barrier(301)

    async def call(url: str) -> str:
        async with aclosing(talk(http, url)) as stream:
            first = await anext(stream)
            await begun.wait()
            last = [batch async for batch in stream][-1][-1]
            return f"{first} {last}"

    async with Upstream([Reply.text("a", more, "b")]) as upstream, asyncio.TaskGroup() as group:
        calls = [group.create_task(call(upstream.url)) for _ in range(300)]
        await begun.wait()
        more.set()
    assert all("text='ab'" in call.result() for call in calls)


async def test_the_first_calls_share_one_opening(http: HttpClient) -> None:
    async with Upstream() as upstream:
        await asyncio.gather(*(answer(http, upstream.url) for _ in range(3)))
        assert await http.open() is await http.open()


async def test_the_key_and_the_headers_of_the_endpoint_are_sent(http: HttpClient) -> None:
    async with Upstream() as upstream:
        await answer(http, upstream.url, headers={"X-Title": "tests", "User-Agent": "mine"})
        sent = upstream.requests[0]
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert (sent.headers["x-title"], sent.headers["user-agent"]) == ("tests", "mine")
    assert sent.headers["content-type"] == "application/json"


async def test_without_a_key_none_is_sent(http: HttpClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    async with Upstream() as upstream:
        await answer(http, upstream.url, api_key=None)
        assert "authorization" not in upstream.requests[0].headers


async def test_cookies_are_not_kept(http: HttpClient) -> None:
    script = Reply(Reply.text("Hi").steps, headers={"set-cookie": "session=1"})
    async with Upstream([script]) as upstream:
        await answer(http, upstream.url)
        await answer(http, upstream.url)
        assert "cookie" not in upstream.requests[1].headers


async def test_a_prompt_of_megabytes_is_sent_whole(http: HttpClient) -> None:
    image = ImagePart(data="A" * 3_000_000, mime_type="image/png")
    async with Upstream() as upstream:
        request = prompt(messages=[Message(role="user", content=[image])])
        async for _ in ChatCompletions(http).stream(endpoint(upstream.url), request):
            pass
        sent = upstream.requests[0].body["messages"][0]["content"][0]["image_url"]["url"]
    assert len(sent) == 3_000_000 + len("data:image/png;base64,")


async def test_an_endpoint_on_a_unix_socket_is_reached(http: HttpClient, tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    async with Upstream(socket_path=path) as upstream:
        assert (await answer(http, upstream.url, socket_path=str(path))).text == "Hello world"


async def test_the_connections_of_a_socket_that_is_gone_are_closed(http: HttpClient, tmp_path: Path) -> None:
    old, new = tmp_path / "old.sock", tmp_path / "new.sock"
    more = asyncio.Event()
    async with Upstream([Reply.text("Hi", more)], socket_path=old) as gone, Upstream(socket_path=new) as upstream:
        stream = talk(http, gone.url, socket_path=str(old))
        await anext(stream)
        old.unlink()
        await answer(http, upstream.url, socket_path=str(new))
        await gone.requests[0].closed_early.wait()
        await stream.aclose()


async def test_a_redirect_is_not_followed(http: HttpClient) -> None:
    async with Upstream() as elsewhere:
        away = Reply.status(307, headers={"location": f"{elsewhere.url}/chat/completions?token=abc"})
        async with Upstream([away]) as upstream:
            error = await fault(http, upstream.url)
        assert elsewhere.requests == []
    assert error.kind == "providerError"
    assert elsewhere.url in error.message
    assert "token" not in error.message


async def test_a_stream_that_is_left_is_closed_at_once(http: HttpClient) -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream, asyncio.timeout(5):
        async with aclosing(talk(http, upstream.url)) as stream:
            await anext(stream)
        await upstream.requests[0].closed_early.wait()


@pytest.mark.parametrize(
    "script", [Reply.text("Hello", asyncio.Event()), Reply.silence()], ids=["mid-stream", "headers"]
)
async def test_a_task_that_is_cancelled_closes_its_connection(http: HttpClient, script: Reply) -> None:
    async with Upstream([script]) as upstream, asyncio.timeout(5):
        task = asyncio.create_task(answer(http, upstream.url))
        request = await upstream.received()
        task.cancel()
        await request.closed_early.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_task_that_is_cancelled_while_it_connects_closes_its_connection(http: HttpClient) -> None:
    async with _handshake_without_end() as (url, arrived, gone), asyncio.timeout(5):
        task = asyncio.create_task(answer(http, url))
        await arrived.wait()
        task.cancel()
        await gone.wait()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_client_that_closes_ends_the_calls_that_still_run() -> None:
    http = HttpClient()
    async with Upstream([Reply.silence()]) as upstream, asyncio.timeout(5):
        task = asyncio.create_task(fault(http, upstream.url))
        request = await upstream.received()
        await http.aclose()
        await request.closed_early.wait()
        assert (await task).kind == "providerUnreachable"


async def test_a_client_that_was_never_used_closes() -> None:
    await HttpClient().aclose()


@pytest.mark.parametrize(
    ("script", "wait"),
    [
        (Reply.silence(), "first_byte"),
        (Reply.raw(asyncio.Event()), "first_byte"),
        (Reply.text("Hello", asyncio.Event()), "idle"),
    ],
)
async def test_a_server_that_is_silent_too_long_is_left(http: HttpClient, script: Reply, wait: str) -> None:
    short = Timeouts(first_byte=0.05) if wait == "first_byte" else Timeouts(idle=0.05)
    async with Upstream([script]) as upstream, asyncio.timeout(5):
        error = await fault(http, upstream.url, timeouts=short)
        await upstream.requests[0].closed_early.wait()
    assert (error.kind, error.details) == ("providerTimeout", {"wait": wait, "seconds": 0.05})


async def test_a_connection_that_takes_too_long_is_given_up(http: HttpClient) -> None:
    async with _handshake_without_end() as (url, _, gone), asyncio.timeout(5):
        error = await fault(http, url, timeouts=Timeouts(connect=0.05))
        await gone.wait()
    assert (error.kind, error.details) == ("providerTimeout", {"wait": "connect", "seconds": 0.05})


@asynccontextmanager
async def _handshake_without_end() -> AsyncIterator[tuple[str, asyncio.Event, asyncio.Event]]:
    """An address where TLS is begun and never answered; set when a client has come, and when it has gone."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        arrived.set()
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", arrived, gone
