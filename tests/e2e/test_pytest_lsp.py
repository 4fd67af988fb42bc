"""pytest-lsp's client, which checks each message against LSP."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from e2e.programs import environment
from lsprotocol.types import ExecuteCommandParams, InitializeParams
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

pytestmark = pytest.mark.e2e


@asynccontextmanager
async def session(home: Path, editor: str) -> AsyncIterator[LanguageClient]:
    """A session with what that editor says in `initialize`."""
    config = ClientServerConfig([sys.executable, "-m", "agentrouted", "--stdio"], server_env=environment(home))
    client = await config.start()
    assert isinstance(client, LanguageClient)
    await client.initialize_session(InitializeParams(capabilities=client_capabilities(editor)))
    try:
        yield client
    finally:
        await client.shutdown_session()
        await client.stop()
    assert client.error is None
    assert client._server is not None and client._server.returncode == 0


@pytest.mark.parametrize("editor", ["neovim", "visual_studio_code", "emacs"])
async def test_a_session_as_each_editor_opens_it_resolves_a_model(editor: str, tmp_path: Path) -> None:
    async with session(tmp_path, editor) as client:
        route = await client.protocol.send_request_async("resolveModel", {"model": "ollama/llama3"})
        twin = ExecuteCommandParams("agentrouted.resolveModel", [{"model": "ollama/llama3"}])
        assert (route.provider, route.modelId) == ("ollama", "llama3")
        assert (await client.workspace_execute_command_async(twin) or {}).get("provider") == "ollama"
        assert (client.messages, client.log_messages) == ([], [])


async def test_a_mistake_in_the_config_is_a_diagnostic_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / ".agentroute" / "config.yaml"
    file.parent.mkdir()
    file.write_text("daemon:\n  log_level: loud\n")
    async with session(tmp_path, "neovim") as client:
        if file.as_uri() not in client.diagnostics:
            await client.wait_for_notification("textDocument/publishDiagnostics")
        [diagnostic] = client.diagnostics[file.as_uri()]
        assert diagnostic.range.start.line == 1
