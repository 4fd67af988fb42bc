"""What an extension of VS Code does, with Microsoft's own client libraries."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from e2e.programs import HERE, ended, node, report, started
from harness.peer import TIME_LIMIT

from agentrouted.testing.upstream import Reply, Upstream

pytestmark = pytest.mark.e2e


def command(home: Path, scenario: str) -> list[str]:
    file = home / "scenario.mjs"
    file.write_text(scenario)
    return node("--require", HERE / "preludes" / "node.js", file)


async def play(home: Path, scenario: str, upstream: Upstream | None = None) -> Any:
    """What the scenario reports, where `ollama/` models are at the upstream."""
    return await report(home, *command(home, scenario), OLLAMA_BASE_URL=upstream.url if upstream else "")


async def test_a_run_calls_the_tool_of_the_client_and_its_events_come_in_order(tmp_path: Path) -> None:
    script = [Reply.tool_call("add", {"a": 1, "b": 2}), Reply.text("It is ", "3.")]
    async with Upstream(script) as upstream:
        seen = await play(
            tmp_path,
            """
            const connection = await start();
            const add = { name: "add", inputSchema: { type: "object" } };
            const params = { model: "ollama/llama3", prompt: "What is 1 + 2?", tools: [add] };
            const result = await connection.sendRequest("runAgent", params);
            await stop(connection);
            report({ result, ...connection.seen });
            """,
            upstream,
        )
    assert [call["arguments"] for call in seen["calls"]] == [{"a": 1, "b": 2}]
    assert upstream.requests[1].body["messages"][-1]["content"] == "3"
    assert (seen["result"]["text"], seen["result"]["stopReason"]) == ("It is 3.", "end_turn")
    assert [event["seq"] for event in seen["events"]] == [*range(1, seen["result"]["lastSeq"] + 1)]
    assert "".join(event["text"] for event in seen["events"] if event["kind"] == "textDelta") == "It is 3."


async def test_a_cancellation_token_ends_a_run_with_a_result(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream:
        result = await play(
            tmp_path,
            """
            const connection = await start();
            const cancellation = new rpc.CancellationTokenSource();
            connection.seen.once("textDelta", () => cancellation.cancel());
            const params = { model: "ollama/llama3", prompt: "Say something long." };
            const result = await connection.sendRequest("runAgent", params, cancellation.token);
            await stop(connection);
            report(result);
            """,
            upstream,
        )
        async with asyncio.timeout(TIME_LIMIT):
            await upstream.requests[0].closed_early.wait()
    assert (result["stopReason"], result["text"], result["usage"]["modelCalls"]) == ("cancelled", "Wait", 1)


async def test_progress_is_shown_in_words_and_can_be_cancelled(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Wait", asyncio.Event())]) as upstream:
        seen = await play(
            tmp_path,
            """
            const connection = await start();
            const shown = [];
            connection.onProgress(new rpc.ProgressType(), "my token", (value) => shown.push(value.kind));
            connection.seen.once("textDelta", () =>
              connection.sendNotification("window/workDoneProgress/cancel", { token: "my token" }),
            );
            const params = { model: "ollama/llama3", prompt: "Say something long.", workDoneToken: "my token" };
            const { stopReason } = await connection.sendRequest("runAgent", params);
            await stop(connection);
            report({ stopReason, shown });
            """,
            upstream,
        )
    assert seen == {"stopReason": "cancelled", "shown": ["begin", "report", "end"]}


async def test_events_may_come_as_partial_results(tmp_path: Path) -> None:
    async with Upstream([Reply.text("Hello", " world")]) as upstream:
        seen = await play(
            tmp_path,
            """
            const connection = await start();
            const texts = [];
            connection.onProgress(new rpc.ProgressType(), 7, (event) => texts.push(event.text ?? ""));
            const params = { model: "ollama/llama3", prompt: "Greet.", partialResultToken: 7 };
            const { text } = await connection.sendRequest("runAgent", params);
            await stop(connection);
            report({ text, streamed: texts.join(""), events: connection.seen.events });
            """,
            upstream,
        )
    assert seen == {"text": "Hello world", "streamed": "Hello world", "events": []}


async def test_the_language_client_shows_no_error_and_can_restart(tmp_path: Path) -> None:
    seen = await play(
        tmp_path,
        """
        const client = await startLanguageClient();
        const pids = [(await client.sendRequest("daemon/status")).pid];
        await client.setTrace(2);
        const document = { uri: "file:///notes.txt", languageId: "text", version: 1, text: "" };
        await client.sendNotification("textDocument/didOpen", { textDocument: document });
        await client.restart();
        pids.push((await client.sendRequest("daemon/status")).pid);
        await client.stop();
        reportAndExit({ pids, shown: vscode.shown });
        """,
    )
    assert seen["pids"][0] != seen["pids"][1]
    assert seen["shown"] == []
    await asyncio.gather(*map(ended, seen["pids"]))


async def test_the_language_client_registers_our_commands(tmp_path: Path) -> None:
    route = await play(
        tmp_path,
        """
        const client = await startLanguageClient();
        const route = await vscode.commands.executeCommand("agentrouted.resolveModel", { model: "ollama/llama3" });
        await client.stop();
        reportAndExit(route);
        """,
    )
    assert (route["provider"], route["modelId"]) == ("ollama", "llama3")


@pytest.mark.parametrize("transport", ["TransportKind.pipe", "{ kind: TransportKind.socket, port: PORT }"])
async def test_the_language_client_may_listen_and_be_called(transport: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen = await play(
        tmp_path,
        f"""
        const client = await startLanguageClient({transport.replace("PORT", str(port))});
        const {{ provider }} = await client.sendRequest("resolveModel", {{ model: "ollama/llama3" }});
        await client.stop();
        reportAndExit({{ provider, shown: vscode.shown }});
        """,
    )
    assert seen == {"provider": "ollama", "shown": []}


async def test_no_daemon_outlives_a_killed_extension_host(tmp_path: Path) -> None:
    scenario = """
        const connection = await start();
        report(await connection.sendRequest("daemon/status"));
        await once(connection.child, "exit");
        """
    async with started(tmp_path, *command(tmp_path, scenario)) as editor:
        assert editor.stdout is not None
        status = json.loads(await editor.stdout.readline())
        editor.kill()
        await ended(status["pid"])
