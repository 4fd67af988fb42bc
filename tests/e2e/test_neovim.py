"""What a person does in Neovim, with its own client."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from e2e.programs import HERE, alone, ended, neovim, report, started
from harness.peer import TIME_LIMIT, joined, serving

from agentrouted.testing.upstream import Reply, Upstream

pytestmark = pytest.mark.e2e


def command(home: Path, scenario: str) -> list[str]:
    file = home / "scenario.lua"
    file.write_text(scenario)
    return neovim(HERE / "preludes" / "neovim.lua", file)


async def play(home: Path, scenario: str, upstream: Upstream | None = None) -> Any:
    """What the scenario reports, in a Neovim whose `ollama/` models are at the upstream."""
    return await report(home, *command(home, scenario), OLLAMA_BASE_URL=upstream.url if upstream else "")


async def test_a_run_calls_the_tool_of_neovim_and_its_events_come_in_order(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is ", "3.")]
    async with Upstream(script) as upstream:
        seen = await play(
            tmp_path,
            """
            local client = start()
            local add = { name = 'add', inputSchema = { type = 'object' } }
            local params = { model = 'ollama/llama3', prompt = 'What is 1 + 2?', tools = { add } }
            local result = request(client, 'runAgent', params)
            stop(client)
            report({ result = result, events = events, calls = calls })
            """,
            upstream,
        )
    assert [call["arguments"] for call in seen["calls"]] == [{"a": 1, "b": 2}]
    assert upstream.requests[1].body["messages"][-1]["content"] == "3"
    assert (seen["result"]["text"], seen["result"]["stopReason"]) == ("It is 3.", "end_turn")
    assert [event["seq"] for event in seen["events"]] == [*range(1, seen["result"]["lastSeq"] + 1)]
    assert "".join(event["text"] for event in seen["events"] if event["kind"] == "textDelta") == "It is 3."


async def test_a_cancelled_run_answers_neovim_with_a_result(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream:
        result = await play(
            tmp_path,
            """
            local client, result = start(), nil
            local params = { model = 'ollama/llama3', prompt = 'Say something long.' }
            local _, id = client:request('runAgent', params, function(_, answer) result = answer end)
            wait(function() return #events > 0 and events[#events].kind == 'textDelta' end)
            client:cancel_request(id)
            wait(function() return result end)
            stop(client)
            report(result)
            """,
            upstream,
        )
        async with asyncio.timeout(TIME_LIMIT):
            await upstream.requests[0].closed_early.wait()
    assert (result["stopReason"], result["text"], result["usage"]["modelCalls"]) == ("cancelled", "Wait", 1)


async def test_what_editors_send_unasked_does_no_harm(tmp_path: Path) -> None:
    seen = await play(
        tmp_path,
        """
        vim.cmd.edit('notes.txt')
        local client = start()
        local document = { uri = vim.uri_from_bufnr(0), languageId = 'text', version = 1, text = '' }
        client:notify('textDocument/didOpen', { textDocument = document })
        client:notify('$/setTrace', { value = 'verbose' })
        client:notify('window/workDoneProgress/cancel', { token = 'unknown' })
        client:notify('workspace/didChangeConfiguration', { settings = vim.empty_dict() })
        client:notify('workspace/didChangeWatchedFiles', { changes = {} })
        vim.lsp.buf_attach_client(0, client.id)
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'typed' })
        vim.cmd.write()
        local route = request(client, 'resolveModel', { model = 'ollama/llama3' })
        stop(client)
        report({ provider = route.provider, asked = #asked })
        """,
    )
    assert seen == {"provider": "ollama", "asked": 0}


async def test_neovim_restarts_its_daemon(tmp_path: Path) -> None:
    pids = await play(
        tmp_path,
        """
        local pids = {}
        for turn = 1, 2 do
          local client = start()
          pids[turn] = request(client, 'daemon/status', vim.empty_dict()).pid
          stop(client)
        end
        report(pids)
        """,
    )
    assert pids[0] != pids[1]
    await asyncio.gather(*map(ended, pids))


SESSION = """
    local client = start({ cmd = { 'agentrouted', %s } })
    report(request(client, 'daemon/status', vim.empty_dict()))
    wait(function() end)
"""


async def test_no_daemon_outlives_a_killed_neovim(tmp_path: Path) -> None:
    async with started(tmp_path, *command(tmp_path, SESSION % "'--stdio'")) as editor:
        assert editor.stdout is not None
        status = json.loads(await editor.stdout.readline())
        editor.kill()
        await ended(status["pid"])


async def test_a_killed_neovim_leaves_the_shared_daemon_to_the_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as socket, joined(socket) as other:
        await other.initialize()
        bridge = f"'connect', '--listen', '{socket}'"
        async with started(tmp_path, *command(tmp_path, SESSION % bridge)) as editor:
            assert editor.stdout is not None
            assert json.loads(await editor.stdout.readline())["connections"] == 2
            editor.kill()
        await alone(other)
