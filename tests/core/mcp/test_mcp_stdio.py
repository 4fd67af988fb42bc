"""MCP servers that are children of ours, real ones and bad ones."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from harness.peer import TIME_LIMIT
from harness.tool_servers import after_listing, children, is_running, on_stdio, opened, reports, shell, tools_of
from pydantic import SecretStr

from agentrouted.core.config.mcp_server import McpServer
from agentrouted.core.errors import AgentroutedError, ConfigInvalid, ToolFailed
from agentrouted.core.mcp.servers import McpServers
from agentrouted_protocol.messages import ImagePart, TextPart

REFUSAL = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no entry"}})
THIRD_REFUSAL = REFUSAL.replace('"id": 1', '"id": 3')
NONSENSE = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": 5}})
FORBIDDEN = "answered what its protocol or its schema does not allow"
THIRD_NONSENSE = NONSENSE.replace('"id": 1', '"id": 3')


async def failure_of(servers: McpServers, settings: McpServer) -> AgentroutedError:
    with pytest.raises(AgentroutedError) as caught:
        await tools_of(servers, settings)
    return caught.value


async def test_tools_are_listed_with_what_they_do_and_called() -> None:
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio())
        add = tools["t__add"]
        assert (add.spec.description, add.effect) == ("Adds two numbers.", "read")
        assert set(add.spec.input_schema["properties"]) == {"a", "b"}
        assert (tools["t__picture"].effect, tools["t__fail"].effect) == ("idempotent", "once")
        assert (await add.call({"a": 1, "b": 2})).content == "3"
        failed = await tools["t__fail"].call({})
        assert failed.is_error and "fail" in failed.content
        drawn = await tools["t__picture"].call({})
        assert drawn.content == [TextPart(text="A dot:"), ImagePart(data="ZG90", mime_type="image/png")]


async def test_names_are_made_such_that_models_take_them() -> None:
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio())
        (odd,) = [name for name in tools if name.startswith("t__odd_name_xxx")]
        assert len(odd) == 64
        assert (await tools[odd].call({})).content == "odd"


async def test_a_server_sees_what_it_is_given_and_nothing_else_of_ours(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "OPENROUTER_API_KEY": "sk-or-123456",
    }
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio(env={"TOKEN": SecretStr("t-1")}), environ)
        said = str((await tools["t__variables"].call({})).content)
    assert '"TOKEN": "t-1"' in said and '"LANG": "C.UTF-8"' in said
    assert "sk-or" not in said and str(tmp_path) in said


async def test_runs_share_one_server_and_it_is_started_once(tmp_path: Path) -> None:
    async with reports(tmp_path) as told, opened() as servers:
        settings = on_stdio(told)
        first, second = await asyncio.gather(tools_of(servers, settings), tools_of(servers, settings))
        results = await asyncio.gather(*(tools["t__add"].call({"a": 1, "b": 1}) for tools in (first, second)))
        assert [result.content for result in results] == ["2", "2"]
        assert len(children()) == 1


async def test_a_server_that_dies_in_a_call_fails_that_call_and_is_started_anew(tmp_path: Path) -> None:
    async with reports(tmp_path) as told, opened() as servers:
        tools = await tools_of(servers, on_stdio(told, env={"KEY": SecretStr("very-secret")}))
        waiting = asyncio.create_task(tools["t__wait"].call({}))
        assert [await told.next(), await told.next()] == ["started", "waiting"]
        with pytest.raises(ToolFailed) as caught:
            await tools["t__die"].call({"with_words": "Out of paper: very-secret"})
        assert "`t`" in caught.value.message and "exit code 3: Out of paper: [key]" in caught.value.message
        with pytest.raises(ToolFailed):
            await waiting
        assert (await tools["t__add"].call({"a": 1, "b": 2})).content == "3"


async def test_who_cancels_goes_at_once_and_the_server_stops_its_work(tmp_path: Path) -> None:
    async with reports(tmp_path) as told, opened() as servers:
        tools = await tools_of(servers, on_stdio(told))
        waiting = asyncio.create_task(tools["t__wait"].call({}))
        assert [await told.next(), await told.next()] == ["started", "waiting"]
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await told.next() == "stopped"
        assert (await tools["t__add"].call({"a": 1, "b": 2})).content == "3"


async def test_tools_are_listed_again_when_the_server_says_that_they_have_changed() -> None:
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio())
        assert "t__learned" not in tools
        await tools["t__learn"].call({})
        again = await tools_of(servers, on_stdio())
        assert (await again["t__learned"].call({})).content == "yes"


async def test_what_a_server_has_started_is_ended_with_it() -> None:
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio())
        pid = int(str((await tools["t__spawn"].call({})).content))
        assert is_running(pid)
    assert not is_running(pid)


async def test_an_idle_server_is_ended_and_started_again_when_it_is_needed(tmp_path: Path) -> None:
    stopping = after_listing(f"cat > /dev/null; : > {tmp_path}/ended; sleep 60")
    async with opened(idle_seconds=0.01) as servers:
        await tools_of(servers, stopping)
        await gone(1)
        assert set(await tools_of(servers, stopping)) == {"t__x"}


async def test_a_server_whose_settings_have_changed_is_ended_when_nobody_uses_it_any_more(tmp_path: Path) -> None:
    async with reports(tmp_path) as told, opened() as servers:
        tools = await tools_of(servers, on_stdio(told))
        waiting = asyncio.create_task(tools["t__wait"].call({}))
        assert [await told.next(), await told.next()] == ["started", "waiting"]
        servers.keep({"t": on_stdio(told, timeout=1)})
        assert len(children()) == 1
        waiting.cancel()
        await gone(1)


async def test_a_server_of_the_config_stays() -> None:
    async with opened() as servers:
        settings = after_listing("cat > /dev/null")
        await tools_of(servers, settings)
        before = children()
        servers.keep({"t": settings})
        await tools_of(servers, settings)
        assert children() == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (McpServer(command="no-such-command"), "cannot be started: No such file or directory: no-such-command"),
        (McpServer(command="sh", cwd="/gone"), "cannot be started: No such file or directory: /gone"),
        (shell("echo nothing to do >&2; exit 4"), "ended while it was starting (exit code 4: nothing to do)"),
        (shell("cat > /dev/null", timeout=0.2), "did not start within 0.2 seconds"),
        (shell("yes > /dev/stdout", timeout=0.2), "did not start within 0.2 seconds"),
        (shell("yes hello >&2", timeout=0.2), "did not start within 0.2 seconds (hello)"),
        (shell("read a; echo '{}'; cat > /dev/null".replace("{}", REFUSAL)), "refused to start: no entry"),
        (shell("read a; echo '{}'; cat > /dev/null".replace("{}", NONSENSE)), "answered what is not the protocol"),
    ],
)  # fmt: skip
async def test_a_server_that_does_not_start_is_told_by_name_with_its_last_words(
    settings: McpServer, words: str
) -> None:
    async with opened() as servers:
        failure = await failure_of(servers, settings)
        assert (failure.kind, failure.message) == ("toolFailed", f"MCP server `t` {words}")


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("cat > /dev/null", "gave no answer within 0.5 s"),
        ("read d; echo 'not JSON'; cat > /dev/null", "gave no answer within 0.5 s"),
        ("read d; echo Full >&2; exit 1", "ended before it had answered (exit code 1: Full)"),
        (f"read d; echo '{THIRD_REFUSAL}'; cat > /dev/null", "refused: no entry"),
        (f"read d; echo '{THIRD_NONSENSE}'; cat > /dev/null", FORBIDDEN),
        ("exec 0<&-; sleep 60", "ended before it had answered"),
    ],
)  # fmt: skip
async def test_a_server_that_fails_in_a_call_is_told_by_name_with_its_last_words(then: str, words: str) -> None:
    async with opened() as servers:
        tools = await tools_of(servers, after_listing(then, timeout=0.5))
        with pytest.raises(ToolFailed) as caught:
            await tools["t__x"].call({})
        assert caught.value.message == f"MCP server `t` {words}"


async def test_a_server_may_greet_on_its_stdout() -> None:
    greeting = after_listing("cat > /dev/null")
    async with opened() as servers:
        assert set(await tools_of(servers, shell(f"echo Welcome; {greeting.args[1]}"))) == {"t__x"}


async def test_only_the_tools_that_the_config_names_are_offered_and_some_need_approval() -> None:
    async with opened() as servers:
        tools = await tools_of(servers, on_stdio(tools=("add", "fail"), needs_approval=("fail",)))
        assert {name: tool.needs_approval for name, tool in tools.items()} == {"t__add": False, "t__fail": True}
        cautious = await tools_of(servers, after_listing("cat > /dev/null", needs_approval=True))
        assert cautious["t__x"].needs_approval


@pytest.mark.parametrize("key", ["tools", "needs_approval"])
async def test_a_tool_that_the_config_names_and_the_server_has_not_is_an_error(key: str) -> None:
    async with opened() as servers:
        failure = await failure_of(servers, after_listing("cat > /dev/null", **{key: ("y", "x")}))
        assert isinstance(failure, ConfigInvalid)
        assert f"mcp_servers.t.{key}" in failure.message


async def test_a_missing_library_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "agentrouted.core.mcp.session", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    failure = await failure_of(McpServers(), shell("true"))
    assert failure.hint == "pip install 'agentrouted[mcp]'"


async def gone(number: int) -> None:
    """Returns when that many children less are there."""
    before = len(children())
    async with asyncio.timeout(TIME_LIMIT):
        while len(children()) > before - number:
            await asyncio.sleep(0.01)
