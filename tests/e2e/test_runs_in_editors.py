"""A run with a tool, and one that is cancelled, by each editor's own client."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from e2e.programs import in_neovim, in_node, play
from harness.peer import TIME_LIMIT

from agentrouted.testing.upstream import Reply, Upstream

pytestmark = pytest.mark.e2e

Scenario = tuple[Callable[[Path, str], list[str]], str]

WITH_A_TOOL: dict[str, Scenario] = {
    "neovim": (
        in_neovim,
        """
        local client = start()
        local add = { name = 'add', inputSchema = { type = 'object' } }
        local params = { model = 'ollama/llama3', prompt = 'What is 1 + 2?', tools = { add } }
        local result = request(client, 'runAgent', params)
        stop(client)
        report({ result = result, events = events, calls = calls })
        """,
    ),
    "vscode-jsonrpc": (
        in_node,
        """
        const connection = await start();
        const add = { name: "add", inputSchema: { type: "object" } };
        const params = { model: "ollama/llama3", prompt: "What is 1 + 2?", tools: [add] };
        const result = await connection.sendRequest("runAgent", params);
        await stop(connection);
        report({ result, ...connection.seen });
        """,
    ),
}

CANCELLED: dict[str, Scenario] = {
    "neovim": (
        in_neovim,
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
    ),
    "vscode-jsonrpc": (
        in_node,
        """
        const connection = await start();
        const cancellation = new rpc.CancellationTokenSource();
        connection.seen.once("textDelta", () => cancellation.cancel());
        const params = { model: "ollama/llama3", prompt: "Say something long." };
        const result = await connection.sendRequest("runAgent", params, cancellation.token);
        await stop(connection);
        report(result);
        """,
    ),
}


@pytest.mark.parametrize("editor", WITH_A_TOOL)
async def test_a_run_calls_the_tool_of_the_client_and_its_events_come_in_order(editor: str, tmp_path: Path) -> None:
    command, scenario = WITH_A_TOOL[editor]
    script = [Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is ", "3.")]
    async with Upstream(script) as upstream:
        seen = await play(tmp_path, upstream, *command(tmp_path, scenario))
    assert [call["arguments"] for call in seen["calls"]] == [{"a": 1, "b": 2}]
    assert upstream.requests[1].body["messages"][-1]["content"] == "3"
    assert (seen["result"]["text"], seen["result"]["stopReason"]) == ("It is 3.", "end_turn")
    assert [event["seq"] for event in seen["events"]] == [*range(1, seen["result"]["lastSeq"] + 1)]
    assert "".join(event["text"] for event in seen["events"] if event["kind"] == "textDelta") == "It is 3."


@pytest.mark.parametrize("editor", CANCELLED)
async def test_a_cancelled_run_answers_the_client_with_a_result(editor: str, tmp_path: Path) -> None:
    command, scenario = CANCELLED[editor]
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream:
        result = await play(tmp_path, upstream, *command(tmp_path, scenario))
        async with asyncio.timeout(TIME_LIMIT):
            await upstream.requests[0].closed_early.wait()
    assert (result["stopReason"], result["text"], result["usage"]["modelCalls"]) == ("cancelled", "Wait", 1)
