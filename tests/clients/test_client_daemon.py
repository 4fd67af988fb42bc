"""The client and the real daemon, through both doors."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT, clean_environment, serving

from agentrouted.testing.upstream import Received, Reply, Upstream
from agentrouted_client import Client, DaemonGone, RpcError
from agentrouted_protocol.config import ConfigDidReloadParams
from agentrouted_protocol.daemon import DaemonStatus
from agentrouted_protocol.events import TextDelta

Open = Callable[[Path], AbstractAsyncContextManager[Client]]


@asynccontextmanager
async def over_stdio(home: Path) -> AsyncIterator[Client]:
    async with asyncio.timeout(TIME_LIMIT), Client.spawn(env=clean_environment(home)) as client:
        yield client


@asynccontextmanager
async def over_the_socket(home: Path) -> AsyncIterator[Client]:
    async with asyncio.timeout(TIME_LIMIT), serving(home) as path, Client.connect(path) as client:
        yield client


both_doors = pytest.mark.parametrize("door", [over_stdio, over_the_socket])


@both_doors
async def test_a_model_is_resolved(door: Open, tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        route = await client.resolve_model("ollama/llama3")
        assert client.advertised and "runAgent" in client.advertised.methods
    assert (route.provider, route.model_id, route.local) == ("ollama", "llama3", True)


@both_doors
async def test_a_run_streams_its_text_and_calls_a_tool(door: Open, tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"left": 1, "right": 2}), Reply.text("It is ", "3.")]
    async with Upstream(script) as upstream, door(tmp_path) as client:

        @client.tool
        def add(left: int, right: int) -> int:
            """Sum of two numbers."""
            return left + right

        run = client.run_agent("1 + 2?", model=f"{upstream.url}/m")
        text = [event.text async for event in run if isinstance(event, TextDelta)]
        result = await run.result
    assert "".join(text) == result.text == "It is 3."
    assert [message.content for message in result.messages if message.role == "tool"] == ["3"]
    assert upstream.requests[0].body["tools"][0]["function"]["description"] == "Sum of two numbers."


@both_doors
async def test_a_cancelled_run_closes_the_upstream_and_gives_its_bill(door: Open, tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", asyncio.Event())]) as upstream, door(tmp_path) as client:
        run = client.run_agent("hi", model=f"{upstream.url}/m")
        async for event in run:
            if isinstance(event, TextDelta):
                await run.cancel()
        result = await run.result
        await (await upstream.received()).closed_early.wait()
    assert (result.stop_reason, result.text, result.usage.model_calls) == ("cancelled", "Hello", 1)


@both_doors
async def test_a_run_that_is_cancelled_at_once_is_cancelled(door: Open, tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, door(tmp_path) as client:
        run = client.run_agent("hi", model=f"{upstream.url}/m")
        await run.cancel()
        assert (await run.result).stop_reason == "cancelled"


@both_doors
async def test_an_error_has_a_kind_and_says_what_to_do(door: Open, tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        with pytest.raises(RpcError) as caught:
            await client.resolve_model("ollama/")
    assert (caught.value.kind, caught.value.code) == ("modelUnresolved", -31001)
    assert caught.value.hint


@both_doors
async def test_a_reload_of_the_config_is_heard(door: Open, tmp_path: Path) -> None:
    heard: asyncio.Queue[ConfigDidReloadParams] = asyncio.Queue()
    (tmp_path / ".agentroute").mkdir()
    async with door(tmp_path) as client:
        client.on("config/didReload", heard.put_nowait)
        assert (await client.resolve_model("fast")).rule == "openrouter"
        (tmp_path / ".agentroute/config.yaml").write_text("models: {fast: ollama/llama3}\n")
        reload = await heard.get()
        assert (reload.ok, (await client.resolve_model("fast")).rule) == (True, "virtualModel")


async def test_events_of_many_runs_reach_their_own(tmp_path: Path) -> None:
    async def ask(client: Client, url: str, word: str) -> str:
        run = client.run_agent(word, model=f"{url}/m")
        return "".join([event.text async for event in run if isinstance(event, TextDelta)])

    def echo(request: Received) -> Reply:
        return Reply.text(*request.body["messages"][-1]["content"])

    words = [f"word {number}" for number in range(20)]
    async with Upstream([echo]) as upstream, over_stdio(tmp_path) as client:
        assert await asyncio.gather(*(ask(client, upstream.url, word) for word in words)) == words


async def test_a_daemon_of_our_own_ends_with_us(tmp_path: Path) -> None:
    async with over_stdio(tmp_path) as client:
        status: DaemonStatus = await client.request("daemon/status")
    with pytest.raises(ProcessLookupError):
        os.kill(status.pid, 0)


async def test_a_shared_daemon_stays_when_a_client_leaves(tmp_path: Path) -> None:
    async with serving(tmp_path) as path:
        async with Client.connect(path) as client:
            first: DaemonStatus = await client.request("daemon/status")
        async with Client.connect(path) as client:
            second: DaemonStatus = await client.request("daemon/status")
    assert first.pid == second.pid


async def test_where_no_daemon_listens_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(DaemonGone, match="nobody") as caught:
        async with Client.connect(tmp_path / "nobody.sock"):
            pass
    assert caught.value.hint and "agentrouted serve" in caught.value.hint


@pytest.mark.parametrize("name", [None, "mine.sock"])
async def test_connect_starts_the_shared_daemon_if_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None
) -> None:
    for variable, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    path = tmp_path / name if name else None
    async with Client.connect(path, start=True) as client:
        status: DaemonStatus = await client.request("daemon/status")
    async with Client.connect(path) as client:
        assert (await client.request("daemon/status")).pid == status.pid
        os.kill(status.pid, signal.SIGTERM)


async def test_a_daemon_that_is_killed_fails_the_run(tmp_path: Path) -> None:
    async with Upstream([Reply.silence()]) as upstream, over_stdio(tmp_path) as client:
        status: DaemonStatus = await client.request("daemon/status")
        run = client.run_agent("hi", model=f"{upstream.url}/m")
        await upstream.received()
        os.kill(status.pid, signal.SIGKILL)
        with pytest.raises(DaemonGone, match="exit code -9"):
            await run.result


async def test_modules_in_the_current_folder_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('this is not the json you know')\n")
    monkeypatch.chdir(tmp_path)
    async with over_stdio(tmp_path) as client:
        assert (await client.resolve_model("ollama/llama3")).local
