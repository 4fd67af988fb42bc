"""What an extension of VS Code does, with Microsoft's own client libraries."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from e2e import programs
from e2e.programs import ended, in_node, started

from agentrouted.testing.upstream import Reply, Upstream

pytestmark = pytest.mark.e2e


async def play(home: Path, scenario: str, upstream: Upstream | None = None) -> Any:
    return await programs.play(home, upstream, *in_node(home, scenario))


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
    async with started(tmp_path, *in_node(tmp_path, scenario)) as editor:
        assert editor.stdout is not None
        status = json.loads(await editor.stdout.readline())
        editor.kill()
        await ended(status["pid"])
